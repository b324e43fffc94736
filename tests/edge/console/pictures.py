"""Draws the manual's pictures: `python -m tests.edge.console.pictures`; it needs a browser."""

import os
import tempfile
import threading
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import Page, sync_playwright

from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import preset
from tests.edge.console.site import PASSWORD, Site
from tests.edge.daemon.rig import SMALL, Rig

TO = Path(__file__).parents[3] / "docs" / "console"
SHOWN = {
    "overview": ("", "/?tour"), "live": ("", "/slides/sim-7"), "tasks": ("", "/tasks"),
    "remedy": ("", "/tasks/out_of_focus-sim-7"), "result": ("", "/slides/sim-3/result"),
    "field": ("", "/slides/sim-3/fields/40"), "worklist": ("cytologist", "/worklist"),
    "case": ("cytologist", "/cases/sim-3"), "agreement": ("cytologist", "/agreement"),
    "login": ("", "/login"), "account": ("cytologist", "/account"),
    "people": ("administrator", "/people"), "audit": ("administrator", "/audit"),
}  # fmt: skip


def source(specimen: str, seed: int, fields: int) -> SimulatedSlide:
    known = preset(specimen, fields)
    options = Options(
        seed=seed, fields=fields, camera=SMALL, contents=known.contents, faults=known.faults
    )
    return SimulatedSlide(options)


def main() -> None:
    """Draw them all."""
    TO.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="c") as folder, sync_playwright() as driver:
        rig = Rig(Path(folder)).start()
        site = Site(rig)
        site.add_people()
        site.start()
        rig.wait_ready()
        for specimen, seed, fields in (("negative", 5, 30), ("hsil", 3, 50)):
            rig.scan(source(specimen, seed, fields))
        said = {"says": "NILM", "follows": "1", "reason": "overcalled", "text": "no lesion seen"}
        site.post("/cases/sim-5/judge", "cytologist", said)
        site.post("/cases/sim-5/judge", "second", said | {"follows": "2"})
        site.post("/cases/sim-5/sign", "second", said | {"follows": "3", "secret": PASSWORD})
        browser = driver.chromium.launch(
            executable_path=os.environ.get("CYTOEDGE_CHROMIUM", "chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1024, "height": 700})
        for theme in ("light", "dark"):
            theme_cookie = {"name": "theme", "value": theme, "url": site.url}
            page.context.clear_cookies()
            page.context.add_cookies([theme_cookie])  # type: ignore[list-item]
            seed = 7 if theme == "light" else 8
            scan = threading.Thread(target=rig.scan, args=(source("blurred", seed, 130),))
            scan.start()
            rig.wait_until(lambda s: any(o["committed"] > 50 for o in s["open_slides"]))
            page.wait_for_timeout(2_100)
            for name, (who, path) in SHOWN.items():
                shoot(page, site, who, path.replace("sim-7", f"sim-{seed}"), f"{name}-{theme}")
            scan.join()
        browser.close()
        site.stop()
        rig.end()


def shoot(page: Page, site: Site, who: str, path: str, name: str) -> None:
    """One picture."""
    if who:
        cookie = {"name": "cytoedge", "value": site.cookies[who], "url": site.url}
        page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.goto(site.url + path)
    page.wait_for_timeout(250)
    pixels = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    cv2.imwrite(str(TO / f"{name}.webp"), pixels, [cv2.IMWRITE_WEBP_QUALITY, 80])


if __name__ == "__main__":
    main()
