"""From a machine's verdict to a signed result, over the console's own forms and the real daemon."""

import re
import sqlite3
from typing import Any

from edge.journal import verifying
from tests.edge.console.site import PASSWORD, Site

ATTACK = "<img src=x onerror=alert(1)>\"'</script>"


def case(site: Site, slide: str) -> dict[str, Any]:
    found: dict[str, Any] = site.rig.ask("verdict", slide)["case"]
    return found


def judge(site: Site, who: str, slide: str, says: str, **form: str) -> int:
    given = {"says": says, "follows": case(site, slide)["newest"], **form}
    return site.post(f"/cases/{slide}/judge", who, given).status


def sign(site: Site, who: str, slide: str, says: str, secret: str = PASSWORD, **form: str) -> int:
    given = {"says": says, "follows": case(site, slide)["newest"], "secret": secret, **form}
    return site.post(f"/cases/{slide}/sign", who, given).status


def test_a_high_grade_slide_is_judged_twice_signed_and_amended_beside_the_machines_verdict(
    site: Site,
) -> None:
    before = site.rig.ask("verdict", "sim-4")
    machine = before["verdict"]["category"]
    assert machine == "HSIL"
    assert judge(site, "cytologist", "sim-4", "HSIL") == 303
    assert sign(site, "cytologist", "sim-4", "HSIL") == 409, "a second person must read"
    assert judge(site, "second", "sim-4", "LSIL") == 409, "a difference needs a reason"
    why = {"reason": "overcalled", "text": ATTACK}
    assert judge(site, "second", "sim-4", "LSIL", **why) == 303
    assert case(site, "sim-4")["stage"] == "discordant"
    consensus = {"reason": "consensus", "text": "seen together"}
    assert judge(site, "second", "sim-4", "HSIL", **consensus) == 303
    assert sign(site, "second", "sim-4", "HSIL", secret="no") == 409  # noqa: S106
    assert sign(site, "second", "sim-4", "HSIL") == 303
    assert (case(site, "sim-4")["stage"], case(site, "sim-4")["signed"]) == ("signed", "HSIL")
    assert judge(site, "second", "sim-4", "SCC") == 409, "an amendment needs a reason"
    amendment = {"reason": "clinical", "text": "histology"}
    assert judge(site, "second", "sim-4", "SCC", **amendment) == 303
    assert judge(site, "cytologist", "sim-4", "SCC", **amendment) == 303
    assert sign(site, "cytologist", "sim-4", "SCC", **amendment) == 303
    after = site.rig.ask("verdict", "sim-4")
    assert after["verdict"] == before["verdict"], "the machine's verdict is as it was"
    assert after["case"]["signed"] == "SCC"
    acts = [(r["revision"], r["act"], r["says"]) for r in after["case"]["revisions"]]
    assert acts[:4] == [
        (2, "judge", "HSIL"), (3, "judge", "LSIL"), (4, "judge", "HSIL"), (5, "sign", "HSIL"),
    ]  # fmt: skip
    page = site.get("/slides/sim-4/result", "viewer").text
    assert ATTACK not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    agreement = site.get("/agreement", "cytologist").text
    assert "0 of 1 agree" in agreement
    assert "signed" in site.get("/audit", "administrator").text


def test_blind_readers_see_nothing_of_the_machine_until_they_judged(site: Site) -> None:
    assert site.post("/account/blind", "second", {"blind": "on"}).status == 303
    try:
        page = site.get("/cases/sim-3", "second").text
        machine = page.split("The machine says", 1)[1].split("</section>")[0]
        assert "HSIL" not in machine
        assert "Hidden until you have judged" in machine
        assert not re.search(r"[A-Z]{3,4} 0\.\d\d", page), "no cell has its class"
        worklist = site.get("/worklist", "second").text
        assert "HSIL" not in worklist
        assert "Urgent" not in worklist
        for path in ("/slides/sim-3/result", "/slides/sim-3", "/events?slide=sim-3", "/events"):
            assert site.get(path, "second").status == 403, path
        assert site.get("/", "second").headers["location"] == "/worklist"
        assert judge(site, "second", "sim-3", "LSIL", blind="yes") == 303
        last = case(site, "sim-3")["revisions"][-1]
        assert (last["blind"], last["reason"], last["seconds"] is not None) == (True, "blind", True)
        assert "HSIL" in site.get("/cases/sim-3", "second").text
    finally:
        site.post("/account/blind", "second", {"blind": "off"})


def test_nobody_judges_over_a_judgement_that_they_did_not_see(site: Site) -> None:
    newest = case(site, "sim-5")["newest"]
    assert judge(site, "cytologist", "sim-5", "NILM", reason="other", text="x") == 303
    late = {"says": "NILM", "follows": newest, "reason": "other", "text": "x"}
    answer = site.post("/cases/sim-5/judge", "second", late)
    assert answer.status == 409
    assert "has come since" in answer.text


def test_what_people_said_is_in_the_chain_and_a_changed_byte_is_found(site: Site) -> None:
    assert judge(site, "second", "sim-5", "NILM", reason="other", text="as bert") == 303
    state = site.rig.folder / "state"
    links, wrong = verifying.chain_differences(state)
    assert len(links) >= 4
    assert wrong == []
    file = state / "slides" / "sim-5" / "slide.sqlite"
    with sqlite3.connect(file) as sql:
        (body,) = sql.execute("SELECT body FROM revisions ORDER BY revision DESC").fetchone()
        changed = body.replace(b"as bert", b"as ben.")
        sql.execute("UPDATE revisions SET body = ? WHERE body = ?", (changed, body))
    _, wrong = verifying.chain_differences(state)
    with sqlite3.connect(file) as sql:
        sql.execute("UPDATE revisions SET body = ? WHERE body = ?", (body, changed))
    assert len(wrong) == 1
    assert "sim-5" in wrong[0].what
