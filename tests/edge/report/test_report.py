"""A report carries its verdict unchanged, in every format."""

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from edge.evidence.summary import Area
from edge.report import json_report, text
from edge.report.model import Report, VerdictPart, report
from edge.slide.canonical import canonical
from edge.verdict.adequacy import Adequacy, AdequacyState
from edge.verdict.announcement import Announced, Announcements
from edge.verdict.reasons import ReasonCode, reason
from edge.verdict.verdict import Outcome, State, Verdict, to_json, verdict_hash

VERDICT = Verdict(
    state=State.FINAL,
    outcome=Outcome.CATEGORY,
    category="LSIL",
    not_excluded=("HSIL",),
    not_assessed=("SCC", "organisms"),
    reasons=(reason(ReasonCode.CATEGORY_COUNT_REACHED, found=12, category="LSIL", bar=8),),
    notes=(reason(ReasonCode.ON_CPU, detail="no GPU: Bänkle"),),
    area=Area(10_000, 8_900, 1_000, 0, (("out_of_focus", 100),), 60, 621),
    adequacy=Adequacy(6_066, 5_828, 6_304, 5_000, AdequacyState.ADEQUATE),
    counts=(("NILM", 6_000), ("LSIL", 12), ("HSIL", 2)),
    gallery=tuple(f"f{field}.c1.p0.i0" for field in range(12)),
    announcements=Announcements((), (("HSIL", "few slides"),), (), "not established"),
    table="rendered",
    negative_slides=40,
    identities=(("engine", "e1"), ("model", "m1")),
    system="bethesda",
    purpose="simulation",
)


def reported(verdict: Verdict = VERDICT) -> Report:
    return report("S-26-1", 1, 1_785_500_000_000_000, to_json(verdict))


def test_i1_a_report_holds_the_very_bytes_of_its_verdict() -> None:
    held = reported()
    assert canonical(held.verdict.model_dump(mode="json")) == to_json(VERDICT)
    assert held.verdict_hash == verdict_hash(VERDICT)


def test_a_json_report_is_canonical_and_read_back_the_same() -> None:
    content = json_report.write(reported())
    assert json_report.read(content) == reported()
    assert content == canonical(json.loads(content))
    assert json.loads(content)["verdict"] == json.loads(to_json(VERDICT))


def test_i8_a_report_whose_verdict_was_edited_is_refused() -> None:
    data = json.loads(json_report.write(reported()))
    data["verdict"]["category"] = "NILM"
    with pytest.raises(ValidationError, match="verdict_hash"):
        json_report.read(canonical(data))


@pytest.mark.parametrize("content", [b"{}", to_json(VERDICT).replace(b":", b": ")])
def test_what_is_no_verdict_in_its_one_form_is_refused(content: bytes) -> None:
    with pytest.raises(ValidationError):
        report("S-26-1", 1, 0, content)


def test_a_person_reads_everything_that_matters() -> None:
    assert (
        text.write(reported())
        == f"""\
Slide S-26-1, final verdict, revision 1
  LSIL (not excluded: HSIL)
  research use only; purpose simulation; system bethesda
Reasons
  12 counted findings reach LSIL; on this planned area 8 make it. [category_count_reached]
To be known
  The engine ran on the CPU: no GPU: Bänkle. [on_cpu]
Coverage, in lattice points of 400 um2
  10,000 planned, 99.0 % seen: 8,900 usable, 1,000 empty, 0 pending, 100 out of focus
Cells
  enough: 6,066 (5,828 to 6,304 at 95 %); 5,000 are needed
Counted findings that reach a category
  HSIL 2, LSIL 12, NILM 6,000
  not assessed: SCC, organisms
  announcement: not established
    never HSIL: few slides
Gallery: 12 findings
  f0.c1.p0.i0 f1.c1.p0.i0 f2.c1.p0.i0 f3.c1.p0.i0 f4.c1.p0.i0 f5.c1.p0.i0 f6.c1.p0.i0 \
f7.c1.p0.i0 f8.c1.p0.i0 f9.c1.p0.i0 ...
Made by
  thresholds: table rendered, 40 negative slides
  head: not trained
  engine: e1
  model: m1
  verdict: {verdict_hash(VERDICT)}
  issued: 2026-07-31 12:13:20 UTC
"""
    )


@pytest.mark.parametrize("outcome", [o for o in Outcome if o is not Outcome.CATEGORY])
def test_an_outcome_without_a_category_is_said_first(outcome: Outcome) -> None:
    told = reported(replace(VERDICT, outcome=outcome, category=None, not_excluded=()))
    assert text.headline(told.verdict).startswith(f"{outcome.value.upper()}: ")


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (
            Adequacy(10, 9, None, 50, AdequacyState.UNDECIDED),
            "undecided: 10 (at least 9 at 95 %); 50 are needed",
        ),
        (
            Adequacy(0, 0, 0, 50, AdequacyState.UNSATISFACTORY),
            "too few: 0 (0 to 0 at 95 %); 50 are needed",
        ),
        (
            Adequacy(10, None, None, 50, AdequacyState.NOT_ESTABLISHED),
            "not established: 10; 50 are needed",
        ),
        (Adequacy(None, None, None, None, AdequacyState.NOT_ESTABLISHED), "not established"),
    ],
)
def test_cellularity_is_told_as_far_as_it_is_known(cells: Adequacy, told: str) -> None:
    lines = text.write(reported(replace(VERDICT, adequacy=cells))).splitlines()
    assert lines[lines.index("Cells") + 1] == f"  {told}"


@pytest.mark.parametrize(
    ("is_borne_out", "told"),
    [
        (None, "HSIL"),
        (True, "HSIL, borne out"),
        (False, "HSIL, NOT borne out by this verdict"),
    ],
)
def test_an_announcement_is_told_with_what_became_of_it(
    is_borne_out: bool | None, told: str
) -> None:
    made = Announcements((Announced("HSIL", is_borne_out),), (), (("HSIL", 3_054),), "announced")
    lines = text.write(reported(replace(VERDICT, announcements=made))).splitlines()
    assert f"  announcement: {told}" in lines


def test_a_provisional_verdict_has_no_revision_yet() -> None:
    running = to_json(replace(VERDICT, state=State.PROVISIONAL))
    told = text.write(report("S-26-1", 0, 0, running))
    assert told.startswith("Slide S-26-1, provisional verdict\n")


def test_nothing_to_show_is_said_in_words() -> None:
    bare = replace(VERDICT, gallery=(), notes=(), not_assessed=())
    told = text.write(reported(bare))
    assert "Gallery: 0 findings\nMade by\n" in told
    assert "not assessed: nothing" in told
    assert "To be known" not in told


def test_i8_every_part_of_a_verdict_has_its_place_in_the_report() -> None:
    assert set(json.loads(to_json(VERDICT))) == set(VerdictPart.model_fields)
