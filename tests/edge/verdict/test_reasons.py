"""Every reason has its words, and tells the operator what to do."""

import re
from pathlib import Path
from string import Formatter

import pytest

from edge.verdict.reasons import WORDING, ReasonCode, reason, share

PAGE = Path(__file__).parents[3] / "docs" / "operating.md"


def sections() -> dict[str, str]:
    """The page's `### code` sections of the chapter on reasons."""
    chapter = PAGE.read_text("utf-8").split("\n## Reasons\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^### (.+)\n+((?:(?!#).+\n*)*)", chapter, re.MULTILINE)
    return {code: text.strip() for code, text in found}


@pytest.mark.parametrize("code", ReasonCode)
def test_the_operator_is_told_what_to_do_about_every_reason(code: ReasonCode) -> None:
    assert sections().get(code), (
        f"docs/operating.md: add '### {code.value}' and what the operator should do"
    )


def test_the_page_names_no_reason_that_there_is_not() -> None:
    assert set(sections()) <= {code.value for code in ReasonCode}


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_is_a_sentence_with_its_numbers(code: ReasonCode) -> None:
    names = [name for _, name, _, _ in Formatter().parse(WORDING[code]) if name]
    told = reason(code, **dict.fromkeys(names, 1_234))
    assert told.code is code
    assert re.fullmatch(r"[A-Z{0-9].*\.", told.text)
    assert told.text.count("1,234") == len(names)


def test_a_detail_is_quoted_as_it_is() -> None:
    assert reason(ReasonCode.ABORTED, detail="{lamp}").text == "The scan was aborted: {lamp}."


def test_a_detail_that_is_a_sentence_ends_with_one_stop() -> None:
    text = reason(ReasonCode.ON_CPU, detail="there is no driver. Mend that.").text
    assert text == "The engine ran on the CPU: there is no driver. Mend that."


def test_shares_are_rounded_down() -> None:
    assert [share(9_499, 10_000), share(1, 3), share(5, 5), share(0, 0)] == [
        "94.9 %", "33.3 %", "100.0 %", "0.0 %",
    ]  # fmt: skip
