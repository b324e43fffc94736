"""What tests of all folders share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The public images. Skips where they are not, and fails if `CYTOEDGE_DATA_REQUIRED` is set."""
    beside = Path(__file__).resolve().parents[1] / "../shared/data"
    data = Path(os.environ.get("CYTOEDGE_DATA", beside))
    if not (data / "cric_cervix" / "images.csv").is_file():
        why = f"no public images at {data}: set CYTOEDGE_DATA"
        if os.environ.get("CYTOEDGE_DATA_REQUIRED"):
            pytest.fail(why)
        pytest.skip(why)
    return data
