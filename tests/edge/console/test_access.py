"""Who may do what at the console: over its real port."""

import re
import sqlite3
from pathlib import Path

import pytest

from drivers.problem import Refusal
from edge.console.access import NOBODY, Rule
from edge.console.people import FAILURES, LOCKED_US, PIN_US, ROLES, People
from edge.console.routes import RULES
from tests.edge.console.site import PASSWORD, Site

HELD = re.compile(r"\{(\w+):\w+\}")
SAMPLES = {"slide": "sim-3", "field": "0", "image": "0.1.0", "cell": "none", "task": "none"}


def path_of(rule: Rule) -> str:
    path = HELD.sub(lambda match: SAMPLES[match[1]], rule.path)
    return path + "?slide=sim-3" if path == "/events" else path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.method} {rule.path}")
def test_each_route_lets_in_the_roles_of_the_table_and_nobody_else(site: Site, rule: Rule) -> None:
    path = path_of(rule)
    if path == "/logout":
        return  # it would end the sessions; see the test of logging out
    for role in ROLES:
        answer = site.get(path, role) if rule.method == "GET" else site.post(path, role, {})
        if role in rule.roles:
            allowed = (200, 303, 404, 409, *([403] if path == "/login" else []))
            assert answer.status in allowed, (role, answer.text)
            refused = re.search("may not do this|did not come from", answer.text)
            assert not refused, role
        else:
            assert answer.status == 403, role
            assert "Your role may not do this" in answer.text
    # No cookie, and another machine's address before a proxy: nobody.
    answer = (
        site.get(path, x_forwarded_for="10.0.0.7")
        if rule.method == "GET"
        else site.post(path, "", {}, x_forwarded_for="10.0.0.7")
    )
    if NOBODY in rule.roles:
        assert answer.status in (200, 303, 403, 409)
        assert "Log in first" not in answer.text
    elif rule.method == "GET":
        assert (answer.status, answer.headers["location"][:11]) == (303, "/login?next")
    else:
        assert (answer.status, "Log in first" in answer.text) == (401, True)


def test_who_sits_at_the_machine_may_look_and_no_more(site: Site) -> None:
    assert site.get("/").status == 200
    assert site.get("/worklist").headers["location"].startswith("/login")
    assert site.post("/cases/sim-3/judge", "", {"says": "NILM"}).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/slides/..%2F..%2Fcytoedge", "/slides/../../etc/passwd", "/slides/%2e%2e/result",
        "/slides/a%00b", "/static/..%2Fapp.py", "/static/../app.py", "/slides/-x", "/nothing",
        "/slides/sim-3/images/..", "/slides/sim-3/images/x.y.z",
        "/slides/sim-3/images/0.99999999.0",
        "/slides/sim-3/fields/4000000000", "/slides/sim-3/cells/..%2fx", "/tasks/..",
    ],
)  # fmt: skip
def test_what_is_no_page_is_no_page(site: Site, path: str) -> None:
    assert site.get(path).status == 404


def test_every_answer_forbids_foreign_scripts_and_frames(site: Site) -> None:
    for path in ("/", "/nothing", "/static/live.js", "/slides/none", "/login"):
        headers = site.get(path).headers
        assert "script-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert site.get("/", host="evil.example").status == 400


def test_a_forged_form_is_refused_and_audited(site: Site) -> None:
    form = {"says": "NILM", "follows": "1"}
    assert site.post("/cases/sim-5/judge", "cytologist", form | {"csrf": "0" * 64}).status == 403
    foreign = site.post("/cases/sim-5/judge", "cytologist", form, origin="https://evil.example")
    assert foreign.status == 403
    null = site.post("/cases/sim-5/judge", "cytologist", form, origin="null")
    assert null.status == 403
    others = site.get("/account", "second").text
    token = re.search(r'name="csrf" value="(\w+)"', others)
    assert token
    stolen = site.post("/cases/sim-5/judge", "cytologist", form | {"csrf": token[1]})
    assert stolen.status == 403
    audit = site.get("/audit", "administrator").text
    assert audit.count("forged_form_refused") >= 4
    assert "the chain holds" in audit


def test_a_session_is_new_at_login_and_ends_at_logout(site: Site) -> None:
    planted = "planted-by-somebody-else-0123456789"
    page = site.get("/login", cookie=f"cytoedge={planted}")
    token = re.search(r'name="csrf" value="(\w+)"', page.text)
    assert token
    form = {"csrf": token[1], "name": "viewer", "secret": PASSWORD, "next": "//evil.example"}
    answer = site.post("/login", "", form, cookie=f"cytoedge={planted}")
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    given = cookie.split("=", 1)[1].split(";")[0]
    assert given != planted
    assert "viewer" not in site.get("/account", cookie=f"cytoedge={planted}").text.split("main")[1]
    site.cookies["guest"] = given
    assert "Log out" in site.get("/account", "guest").text
    assert site.post("/logout", "guest", {}).status == 303
    assert "Log out" not in site.get("/account", "guest").text


def test_a_wrong_password_is_refused_in_the_same_words_for_every_name(site: Site) -> None:
    texts = [
        site.post("/login", "", {"name": name, "secret": "no"}).text for name in ("viewer", "nemo")
    ]
    main = [text.split("<main", 1)[1].split("csrf")[0] for text in texts]
    assert main[0] == main[1]


# The file itself ------------------------------------------------------------------------------


class Clock:
    now = 1_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(tmp_path: Path, clock: Clock) -> People:
    made = People(tmp_path / "console.sqlite", 15, clock)
    made.claim_first(made.first_token, "root", PASSWORD)
    return made


def test_the_first_token_makes_one_administrator_once(tmp_path: Path) -> None:
    made = People(tmp_path / "c.sqlite", 15)
    token = made.first_token
    with pytest.raises(Refusal):
        made.claim_first("wrong", "eve", PASSWORD)
    assert made.claim_first(token, "root", PASSWORD).role == "administrator"
    for again in (token, ""):
        with pytest.raises(Refusal):
            made.claim_first(again, "eve", PASSWORD)
    assert People(tmp_path / "c.sqlite", 15).first_token == ""


def test_wrong_passwords_lock_a_name_for_a_while(people: People, clock: Clock) -> None:
    for _ in range(FAILURES):
        assert not people.knows("root", "guess")
    assert not people.knows("root", PASSWORD), "the right one does not help now"
    found = people.find("root")
    assert found is not None
    assert found.is_locked
    clock.now += LOCKED_US + 1
    assert people.knows("root", PASSWORD)
    assert [e.detail for e in people.chain.entries() if e.what == "login_refused"][-2:] == [
        "root: locked", "root: locked",
    ]  # fmt: skip


def test_an_idle_session_ends(people: People, clock: Clock) -> None:
    token = people.log_in("root")
    clock.now += 14 * 60_000_000
    session = people.session(token)
    assert session is not None
    people.touch(session)
    clock.now += 14 * 60_000_000
    assert people.session(token) is not None
    clock.now += 2 * 60_000_000
    assert people.session(token) is None


def test_a_pin_serves_one_shift_after_the_password(people: People, clock: Clock) -> None:
    people.set_pin("root", PASSWORD, "4711")
    assert people.knows("root", "4711")
    clock.now += PIN_US + 1
    assert not people.knows("root", "4711")
    assert people.knows("root", PASSWORD)
    assert people.knows("root", "4711")


def test_whoever_is_turned_off_is_out_at_once_but_never_the_last_administrator(
    people: People,
) -> None:
    people.add("root", "anna", "cytologist", PASSWORD)
    token = people.log_in("anna")
    people.change("root", "anna", "cytologist", is_active=False)
    assert people.session(token) is None
    assert not people.knows("anna", PASSWORD)
    for role, is_active in (("viewer", True), ("administrator", False)):
        with pytest.raises(Refusal, match="last administrator"):
            people.change("root", "root", role, is_active=is_active)


@pytest.mark.parametrize(
    ("name", "role", "password", "key"),
    [
        ("a b", "viewer", PASSWORD, "name"), ("<i>", "viewer", PASSWORD, "name"),
        ("root", "viewer", PASSWORD, "name"), ("anna", "king", PASSWORD, "role"),
        ("anna", "viewer", "short", "password"), ("anna", "viewer", "x" * 201, "password"),
    ],
)  # fmt: skip
def test_wrong_people_are_refused(
    people: People, name: str, role: str, password: str, key: str
) -> None:
    with pytest.raises(Refusal) as refused:
        people.add("root", name, role, password)
    assert refused.value.problem.key == key


def test_neither_password_nor_cookie_stands_in_the_file(people: People, tmp_path: Path) -> None:
    token = people.log_in("root")
    people.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert PASSWORD.encode() not in content
    assert token.encode() not in content
    assert b"$argon2id$" in content
    assert (tmp_path / "console.sqlite").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("column", ["person", "what", "detail", "at_us", "hash"])
def test_a_changed_entry_of_the_audit_is_found(people: People, tmp_path: Path, column: str) -> None:
    people.audit("root", "did", "this")
    people.audit("root", "did", "that")
    assert people.chain.first_broken() is None
    with sqlite3.connect(tmp_path / "console.sqlite") as sql:
        changed = f"UPDATE audit SET {column} = {column} || '1' WHERE seq = 2"  # noqa: S608
        sql.execute(changed)
    broken = people.chain.first_broken()
    assert broken is not None
    assert broken.seq == 2
