"""What does not agree at a slide's end, as a list of what to do while it is still on the stage."""

from collections.abc import Iterable, Iterator

from drivers.scanner.lists import DifferenceList, ManifestList

MOST = 12
"""Runs of fields that a line names; what is beyond is counted."""


def words_of(differences: DifferenceList) -> list[str]:
    """One line for each kind of difference: which fields, what is wrong, what to do."""
    missing, unexpected = differences.missing, differences.unexpected
    return [f"{fields_in_words(which)}: {what}" for which, what in _found(missing, unexpected)]


def fields_in_words(numbers: Iterable[int]) -> str:
    """`Field 7`, or `Fields 3, 7-9, 12`."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    told = ", ".join("-".join(map(str, run)) for run in runs[:MOST])
    beyond = sum(run[-1] - run[0] + 1 for run in runs[MOST:])
    rest = f" and {beyond} more" if beyond else ""
    return f"Field{'' if len(runs) == 1 and len(runs[0]) == 1 else 's'} {told}{rest}"


def _found(missing: ManifestList, unexpected: ManifestList) -> Iterator[tuple[list[int], str]]:
    images = "an image is in the driver's manifest and did not reach the daemon. "
    yield from _if_any(missing.committed, images + "Send it again, or close without it")
    images = "the daemon has an image that the driver's manifest does not name. "
    yield from _if_any(unexpected.committed, images + "Take it into the manifest")
    back = "the driver says that a capture was withdrawn, and the daemon still counts it. "
    yield from _if_any(missing.withdrawn, back + "Withdraw it again, or close without saying so")
    back = "a capture was withdrawn, and the driver's manifest does not say so. "
    yield from _if_any(unexpected.withdrawn, back + "Take it into the manifest")
    given_up = "the driver says that it was skipped, and the daemon does not know. "
    yield from _if_any(missing.skipped, given_up + "Skip it again, or send it")
    given_up = "it was skipped, and the driver's manifest does not say so. "
    yield from _if_any(unexpected.skipped, given_up + "Take it into the manifest")


def _if_any(entries: Iterable[object], what: str) -> Iterator[tuple[list[int], str]]:
    fields = [getattr(entry, "field", entry) for entry in entries]
    if fields:
        yield [int(str(field)) for field in fields], what
