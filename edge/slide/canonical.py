"""JSON in its one form, for whatever is compared or hashed byte for byte."""

import json


def canonical(content: object) -> bytes:
    """UTF-8, sorted keys, no blanks.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    return json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
