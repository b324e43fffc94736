"""A report as JSON: what other programs read."""

from edge.report.model import Report
from edge.slide.canonical import canonical


def write(report: Report) -> bytes:
    """UTF-8, sorted keys, no blanks; `read` gives the same report back."""
    return canonical(report.model_dump(mode="json"))


def read(content: bytes) -> Report:
    """A report from its bytes.

    Raises:
        pydantic.ValidationError: It is no report, or its verdict was edited.
    """
    return Report.model_validate_json(content)
