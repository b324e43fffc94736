"""The console in a real browser, while a real daemon takes a simulated scan."""

import json
import sys
import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from drivers.sources.scanner import Scan
from tests.edge.console.conftest import FIELDS, simulated
from tests.edge.console.site import PASSWORD, Site

STROKES = 35
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"target-size": {"enabled": True}},
}
PAGES = {
    "overview": ("", "/"), "tour": ("", "/?tour"), "result": ("", "/slides/sim-3/result"),
    "field": ("", "/slides/sim-3/fields/7"), "tasks": ("", "/tasks"), "login": ("", "/login"),
    "worklist": ("cytologist", "/worklist"), "case": ("cytologist", "/cases/sim-3"),
    "agreement": ("cytologist", "/agreement"), "account": ("cytologist", "/account"),
    "people": ("administrator", "/people"), "audit": ("administrator", "/audit"),
}  # fmt: skip


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """A fresh browser that notes whatever it asks of others."""
    made = browser.new_context(viewport={"width": 1024, "height": 600}, has_touch=True)
    asked: list[str] = []
    made.on("request", lambda request: asked.append(request.url))
    mistakes: list[str] = []
    made.on("weberror", lambda error: mistakes.append(str(error.error)))
    yield made
    made.close()
    foreign = [url for url in asked if not url.startswith(site.url)]
    assert foreign == [], "the console asks nothing of anybody else"
    assert mistakes == []


def become(context: BrowserContext, site: Site, who: str) -> None:
    if who:
        context.add_cookies([{"name": "cytoedge", "value": site.cookies[who], "url": site.url}])


def scanning(site: Site, specimen: str, seed: int) -> tuple[threading.Thread, list[Scan]]:
    done: list[Scan] = []
    source = simulated(specimen, seed)
    thread = threading.Thread(target=lambda: done.append(site.rig.scan(source)))
    thread.start()
    return thread, done


WATCH = """() => {
  const seen = window.seen = {filled: 0, differ: []};
  const words = {planned: 'to come', missing: 'missing', used: 'used', empty: 'empty',
                 unusable: 'unusable'};
  new MutationObserver(() => {
    const boxes = [...document.querySelectorAll('svg.map [data-f]')];
    seen.filled = Math.max(seen.filled, boxes.filter((b) => !b.matches('.planned')).length);
    for (const box of boxes) {
      const said = document.querySelector(`[data-row="${box.dataset.f}"]`).cells[1].textContent;
      if (!said.startsWith(words[box.getAttribute('class').split(' ')[0]])) seen.differ.push(said);
    }
    const verdict = document.querySelector('[data-part=verdict]');
    if (verdict.textContent.includes('Open the result')) seen.shown_ms ??= Date.now();
    sessionStorage.setItem('seen', JSON.stringify(seen));
  }).observe(document.body, {subtree: true, childList: true});
}"""


def test_a_live_page_fills_and_becomes_the_result_by_itself(
    context: BrowserContext, site: Site
) -> None:
    page = context.new_page()
    page.goto(f"{site.url}/")
    thread, done = scanning(site, "hsil", 11)
    page.wait_for_selector('[data-slide="sim-11"]')
    page.goto(f"{site.url}/slides/sim-11")
    page.evaluate(WATCH)
    page.wait_for_url("**/slides/sim-11/result", timeout=60_000)
    thread.join()
    seen = json.loads(page.evaluate("sessionStorage.getItem('seen')"))
    assert seen["filled"] == FIELDS, "the map filled while it was looked at"
    assert seen["differ"] == [], "map and table always told the same"
    issued_ms = site.rig.ask("verdict", "sim-11")["issued_at_us"] / 1_000
    assert seen["shown_ms"] >= issued_ms
    sys.stderr.write(f"on the screen {seen['shown_ms'] - issued_ms:.0f} ms after its issue\n")
    assert done[0].verdict is not None
    expect(page.locator(".headline")).to_contain_text(done[0].verdict["category"] or "review")
    assert page.locator(".cells img").count() > 10
    page.goto(f"{site.url}/slides/sim-11/fields/3")
    assert page.evaluate("document.querySelector('.image').naturalWidth") > 50


def test_from_the_worklist_to_a_signature_by_keyboard_alone(
    context: BrowserContext, site: Site
) -> None:
    site.post("/account/pin", "cytologist", {"old": PASSWORD, "pin": "4711"})
    site.post("/account/password", "cytologist", {"old": PASSWORD, "new": PASSWORD + "!"})
    site.post("/account/password", "cytologist", {"old": PASSWORD + "!", "new": PASSWORD})
    become(context, site, "cytologist")
    page, strokes = context.new_page(), 0

    def press(*keys: str) -> None:
        nonlocal strokes
        for key in keys:
            page.keyboard.press(key)
            strokes += 1

    page.goto(f"{site.url}/worklist")
    while page.evaluate("document.activeElement.textContent") != "sim-6":
        press("Tab")
    press("Enter")
    page.wait_for_url("**/cases/sim-6")
    if page.evaluate("document.querySelector('[name=says]:checked')") is None:
        press("Space")
    press("Enter")
    page.wait_for_selector("form[action$='/sign']")
    expect(page.locator("[name=secret]")).to_be_focused()
    press("4", "7", "1", "1", "Enter")
    page.wait_for_selector("h1:text('Worklist'), .problem")
    assert page.locator(".problem").all_inner_texts() == []
    page.wait_for_url("**/worklist")
    assert site.rig.ask("verdict", "sim-6")["case"]["stage"] == "signed"
    assert strokes <= STROKES


def test_everything_to_touch_is_large_enough_for_gloves(
    context: BrowserContext, site: Site
) -> None:
    become(context, site, "cytologist")
    page = context.new_page()
    for path in ("/worklist", "/cases/sim-3", "/account"):
        page.goto(site.url + path)
        small = page.evaluate(
            """() => [...document.querySelectorAll(`button, select, nav a, .button, label.choice,
              input:not([type=hidden], [type=radio], [type=checkbox]), td a`)]
              .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
              .map((e) => e.outerHTML)"""
        )
        assert small == []
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, f"{path} at 1024 x 600 needs no scrolling sideways"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible(context: BrowserContext, site: Site, theme: str) -> None:
    context.add_cookies([{"name": "theme", "value": theme, "url": site.url}])
    page = context.new_page()
    for name, (who, path) in PAGES.items():
        become(context, site, who)
        page.goto(site.url + path)
        found = Axe().run(page, options=RULES).response["violations"]
        told = [(v["id"], n["html"][:120], n["failureSummary"]) for v in found for n in v["nodes"]]
        assert told == [], name


def test_it_can_be_read_with_scripts_off(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/slides/sim-3/result")
    expect(page.locator(".headline")).to_have_text("HSIL")
    page.goto(f"{site.url}/")
    expect(page.locator("tbody tr").first).to_be_visible()
    context.close()


@pytest.mark.parametrize(("language", "word"), [("de", "Letzte Präparate"), ("zh", "最近的玻片")])
def test_it_speaks_other_languages(
    context: BrowserContext, site: Site, language: str, word: str
) -> None:
    page = context.new_page()
    page.goto(f"{site.url}/")
    page.click(f"button[value={language}]")
    expect(page.locator("main")).to_contain_text(word)


def test_a_killed_console_and_a_killed_daemon_are_recovered_from_without_a_reload(
    context: BrowserContext, site: Site
) -> None:
    page = context.new_page()
    page.goto(f"{site.url}/")
    page.evaluate("window.isTheSame = true")
    site.stop(at_once=True)
    site.start()
    site.rig.kill()
    expect(page.locator("[data-part=tasks]")).to_contain_text("1 now", timeout=20_000)
    site.rig.start().wait_ready()
    expect(page.locator("[data-part=tasks]")).to_contain_text("Nothing to do", timeout=20_000)
    assert page.evaluate("window.isTheSame") is True
