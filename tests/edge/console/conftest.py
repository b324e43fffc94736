"""One daemon, one console and one browser for all tests of the console."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from drivers.sources.simulated.render import Options, SimulatedSlide
from drivers.sources.simulated.specimen import preset
from tests.edge.console.site import Site
from tests.edge.daemon.rig import SMALL, Rig

FIELDS = 16


def simulated(specimen: str, seed: int, fields: int = FIELDS) -> SimulatedSlide:
    known = preset(specimen, fields)
    return SimulatedSlide(
        Options(
            seed=seed, fields=fields, camera=SMALL, contents=known.contents, faults=known.faults
        )
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    rig = Rig(tmp_path_factory.mktemp("c")).start()
    made = Site(rig)
    made.add_people()
    made.start()
    rig.wait_ready()
    for specimen, seed in (("hsil", 3), ("hsil", 4), ("negative", 5), ("negative", 6)):
        scan = rig.scan(simulated(specimen, seed))
        assert scan.verdict is not None, scan.why
    yield made
    made.stop()
    rig.end()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser that the machine has. Skips where it has none."""
    wanted = os.environ.get("CYTOEDGE_CHROMIUM") or shutil.which("chromium")
    if wanted is None or not Path(wanted).exists():
        pytest.skip("no browser: install chromium, or name one in CYTOEDGE_CHROMIUM")
    with sync_playwright() as driver:
        try:
            started = driver.chromium.launch(
                executable_path=wanted, args=["--no-sandbox", "--disable-gpu"]
            )
        except Error as error:
            pytest.skip(f"the browser does not start: {error}")
        yield started
        started.close()
