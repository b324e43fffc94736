"""One message of each type, with its second part, as tests need them."""

from typing import Any

from drivers.scanner import messages as m
from drivers.scanner.codec import Part
from drivers.scanner.lists import (
    CaptureKey,
    CircleSpot,
    DifferenceList,
    ImageKey,
    ManifestList,
    PlanList,
    PlannedField,
    ResumeList,
)
from drivers.scanner.words import (
    Code,
    Optics,
    PixelFormat,
    Preparation,
    Purpose,
    SlideStatus,
    Specimen,
    Window,
)

KEYS = [ImageKey(field=0, capture=1), ImageKey(field=1, capture=2, plane=3)]
CAPTURES = [CaptureKey(field=1, capture=1)]
WINDOW = Window(fields=8, bytes=160_000_000)
MANIFEST = ManifestList(committed=KEYS, withdrawn=CAPTURES, skipped=[7])
PLAN = PlanList(
    spot=CircleSpot(x_nm=37_000_000, y_nm=12_500_000, diameter_nm=13_000_000),
    w_nm=612_000,
    h_nm=512_000,
    overlap_nm=62_000,
    fields=[PlannedField(field=n, x_nm=550_000 * n, y_nm=-256_000, planes=1 + n) for n in (0, 1)],
)
FIELD = m.SendField(
    id="d-7",
    session="s1",
    slide="S-26-0123",
    field=12,
    x_nm=36_500_000,
    y_nm=12_250_000,
    z_nm=-3_200,
    width_px=2448,
    height_px=2048,
    format=PixelFormat.BAYER_RG8,
    stride=2448,
    exposure_us=180,
    captured_at_us=1_764_000_000_000_000,
    checksum="e3069283",
)
_SAID: dict[str, Any] = {
    "retry": False,
    "key": "field",
    "value": "3000",
    "problem": "is not in the plan",
    "remedy": "Plan it",
    "anchor": "docs/protocol.md#code-not_planned",
}

FROM_CLIENT: list[tuple[m.FromClient, Part | None]] = [
    (
        m.Hello(id="d-1", v=[1], driver="scope-3", boot="b1", software="acq 4.2", takes=["rescan"]),
        None,
    ),
    (m.Bye(id="d-2", session="s1"), None),
    (m.Ping(id="d-3", session="s1"), None),
    (
        m.OpenSlide(
            id="d-4",
            session="s1",
            slide="S-26-0123",
            barcode="S-26-0123",
            purpose=Purpose.SIMULATION,
            specimen=Specimen.CERVICAL,
            preparation=Preparation.THINPREP,
            optics=Optics(pm_per_px=250_000, objective="20x 0.75", camera_serial="C-1"),
            smear_mm2=300,
        ),
        PLAN,
    ),
    (FIELD, b"pixels"),
    (m.SkipField(id="d-5", session="s1", slide="S-26-0123", field=7, why="lamp"), None),
    (m.Withdraw(id="d-6", session="s1", slide="S-26-0123", field=1, capture=1), None),
    (m.CloseSlide(id="d-8", session="s1", slide="S-26-0123"), MANIFEST),
    (m.AbortSlide(id="d-9", session="s1", slide="S-26-0123", why="jam"), None),
    (m.Ask(id="t-1", what="record", slide="S-26-0123", image=KEYS[0]), None),
    (
        m.Revise(
            id="t-2",
            slide="S-26-0123",
            follows=1,
            act="judge",
            says="LSIL",
            reason="overcalled",
            text="koilocytes",
            person="c.ramon",
            role="cytologist",
            blind=True,
            seconds=90,
        ),
        None,
    ),
    (
        m.RequestAnswer(
            id="d-10", session="s1", slide="S-26-0123", request="r3", answer="accepted"
        ),
        None,
    ),
]

FROM_DAEMON: list[tuple[m.FromDaemon, Part | None]] = [
    (m.Revised(re="t-2", slide="S-26-0123", revision=2), None),
    (
        m.Welcome(
            re="d-1",
            v=1,
            session="s1",
            boot="b2",
            window=WINDOW,
            formats=list(PixelFormat),
            max_pixel_bytes=268_435_456,
            fields_per_1000_s=5_200,
            ready=True,
            model="cervical-2",
            open_slides=[m.OpenSlideBrief(slide="S-26-0123", driver="scope-3")],
        ),
        None,
    ),
    (m.Farewell(re="d-2"), None),
    (m.Pong(re="d-3", window=WINDOW), None),
    (
        m.SlideOpened(
            re="d-4", slide="S-26-0123", state=SlideStatus.OPEN, window=WINDOW, flags=["cut_cells"]
        ),
        ResumeList(committed=KEYS, in_hand=[], withdrawn=CAPTURES, skipped=[7]),
    ),
    (
        m.Committed(
            re="d-7",
            slide="S-26-0123",
            field=12,
            capture=1,
            plane=0,
            disposition="used",
            reasons=[],
            quality={"usable_cells": 64},
            again=False,
            window=WINDOW,
        ),
        None,
    ),
    (m.FieldSkipped(re="d-5", slide="S-26-0123", field=7, window=WINDOW), None),
    (m.Withdrawn(re="d-6", slide="S-26-0123", field=1, capture=1, window=WINDOW), None),
    (
        m.Request(
            id="r3",
            slide="S-26-0123",
            kind="add_plane",
            field=12,
            plane=1,
            why="out_of_focus",
            words="Add plane 1 to field 12, at another height (out of focus)",
            within_ms=30_000,
            worth=250,
        ),
        None,
    ),
    (m.Answered(re="d-10", slide="S-26-0123", request="r3", late=False, window=WINDOW), None),
    (
        m.SlideClosed(
            re="d-8",
            slide="S-26-0123",
            state=SlideStatus.CLOSED,
            verdict={"category": None, "outcome": "review"},
            window=WINDOW,
        ),
        DifferenceList(missing=MANIFEST, unexpected=MANIFEST),
    ),
    (m.SlideAborted(re="d-9", slide="S-26-0123", verdict={"outcome": "incomplete"}), None),
    (m.Refused(re="d-7", code=Code.NOT_PLANNED, slide="S-26-0123", field=3000, **_SAID), None),
    (m.Error(re="d-7", code=Code.SESSION, message="field", **_SAID), None),
    (m.Told(re="t-1", what="record"), {"body": {"records": [], "nothing": None, "share": 0.5}}),
]
