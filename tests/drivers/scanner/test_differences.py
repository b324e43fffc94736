from drivers.scanner.differences import MOST, fields_in_words, words_of
from drivers.scanner.lists import CaptureKey, DifferenceList, ImageKey, ManifestList

NOTHING = ManifestList(committed=[], withdrawn=[], skipped=[])


def test_fields_are_named_in_runs() -> None:
    assert fields_in_words([7]) == "Field 7"
    assert fields_in_words([9, 3, 7, 8, 8, 12]) == "Fields 3, 7-9, 12"
    assert fields_in_words(range(0, 2 * MOST + 6, 2)).endswith("22 and 3 more")


def test_every_kind_of_difference_has_a_line_that_says_what_to_do() -> None:
    some = ManifestList(
        committed=[ImageKey(field=1, capture=1), ImageKey(field=2, capture=1)],
        withdrawn=[CaptureKey(field=3, capture=1)],
        skipped=[4],
    )
    lines = words_of(DifferenceList(missing=some, unexpected=some))
    assert [line.partition(":")[0] for line in lines] == [
        "Fields 1-2", "Fields 1-2", "Field 3", "Field 3", "Field 4", "Field 4",
    ]  # fmt: skip
    assert len({line.partition(":")[2] for line in lines}) == 6
    assert words_of(DifferenceList(missing=NOTHING, unexpected=NOTHING)) == []
