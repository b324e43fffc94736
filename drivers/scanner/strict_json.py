"""JSON as the protocol wants it, and what is wrong with it in a refusal's words."""

import json
import math
from typing import Any

from pydantic import ValidationError

from drivers.problem import Problem, shown
from drivers.scanner.words import MAX_DEPTH, MAX_KEYS

MAX_TEXT = 200
"""Characters of a refusal's texts. Source: `drivers.scanner.words.Text`."""
LOOK = "See docs/protocol.md"
_TOO_DEEP = Problem("message", "JSON", f"nests deeper than {MAX_DEPTH} levels", "Send less depth")


class Wrong(ValueError):
    """What was sent is wrong in a way that JSON's and the models' own checks do not see."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.problem)
        self.problem = problem


def parse(frame: bytes | memoryview) -> object:
    """JSON, strictly.

    Raises:
        ValueError: It is not JSON, a key comes twice, a number is not finite, or it is too deep.
    """
    try:
        parsed = _JSON.decode(str(frame, "utf-8"))
    except RecursionError:
        raise Wrong(_TOO_DEEP) from None
    if _is_deeper(parsed, MAX_DEPTH):
        raise Wrong(_TOO_DEEP)
    return parsed


def _no_pair_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise Wrong(Problem("message", f"{len(pairs)} keys", f"is over {MAX_KEYS}", "Send fewer"))
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Wrong(Problem(_key(twice), "twice", "the key comes twice", "Send it once"))
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        what = "is not a number that JSON knows"
        raise Wrong(Problem("number", shown(text), what, "Leave the key out, or send a number"))
    return value


_JSON = json.JSONDecoder(
    object_pairs_hook=_no_pair_twice, parse_float=_finite, parse_constant=_finite
)


def _is_deeper(value: object, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(
        _is_deeper(inner, levels - 1) for inner in value if isinstance(inner, dict | list)
    )


def problem_of(error: ValueError, *, tagged: bool = False) -> Problem:
    """What is wrong. Where `tagged`, a place begins with the message's type, which is left out."""
    if isinstance(error, Wrong):
        return error.problem
    if isinstance(error, UnicodeDecodeError):
        return Problem("message", f"byte {error.start}", "is not UTF-8", "Send UTF-8")
    if not isinstance(error, ValidationError):
        return Problem("message", shown(str(error)), "is not JSON", "Send one JSON object")
    first = error.errors(include_url=False, include_context=False)[0]
    place, kind = first["loc"], first["type"]
    if not place:
        key = "type" if kind.startswith("union_tag") else "message"
        given = first["input"]
        value = given.get("type") if key == "type" and isinstance(given, dict) else given
        return Problem(key, shown(value), _sentence(first["msg"]), LOOK)
    place = place[1:] if tagged else place
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in place)
    remedy = "Leave it out, or put it into ext" if kind == "extra_forbidden" else LOOK
    value = "absent" if kind == "missing" else shown(first["input"])
    return Problem(path.lstrip("."), value, _sentence(first["msg"]), remedy)


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:MAX_TEXT]


def _key(key: str) -> str:
    return key if key.isidentifier() and len(key) <= 40 else shown(key, 40)
