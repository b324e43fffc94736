"""A target's pictures on disk: PNG files, and what is known of each in `pictures.json`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.steps.outcome import Picture
from drivers.problem import Problem, Refusal

LIST = "pictures.json"


@dataclass(frozen=True, slots=True)
class Shown:
    """All that one step was shown."""

    settings: dict[str, Any]
    """The target's certified values and the scanner's nominal ones."""
    pictures: Sequence[tuple[dict[str, Any], Picture]]
    """Each with what is known of it: `role`, a place, a height, an exposure."""

    def of(self, role: str) -> list[Picture]:
        """The pictures of a role, in their order."""
        return [picture for known, picture in self.pictures if known["role"] == role]

    def known(self, role: str) -> list[dict[str, Any]]:
        """What is known of them."""
        return [known for known, _ in self.pictures if known["role"] == role]

    def setting(self, key: str) -> Any:  # noqa: ANN401  # a number, a list or a name
        """A setting.

        Raises:
            Refusal: It is not there.
        """
        if key not in self.settings:
            remedy = f"Write it into the settings of {LIST}, from the target's certificate"
            raise Refusal(Problem(f"settings.{key}", "", "is missing", remedy))
        return self.settings[key]


def write(folder: Path, shown: Shown) -> None:
    """Pictures and their list."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i, (known, picture) in enumerate(shown.pictures):
        name = f"{i:03}.png"
        colour = picture if picture.ndim == 2 else picture[..., ::-1]
        cv2.imwrite(str(folder / name), colour)
        rows.append(known | {"file": name})
    (folder / LIST).write_text(json.dumps({"settings": shown.settings, "pictures": rows}, indent=1))


def read(folder: Path) -> Shown:
    """What `write` wrote, or a scanner's driver.

    Raises:
        Refusal: The list or a picture is missing or cannot be read.
    """
    try:
        listed = json.loads((folder / LIST).read_text())
        rows, settings = listed["pictures"], listed["settings"]
        names = [(row, row["file"], row["role"]) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = f"no list of pictures: {error}"
        raise Refusal(Problem(LIST, str(folder), what, "Name a folder of pictures")) from None
    found = []
    for row, name, _ in names:
        path = folder / Path(name).name
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) if path.is_file() else None
        if picture is None or picture.dtype != np.uint8 or picture.shape[2:] not in ((), (3,)):
            what = "is no PNG of 8 bits"
            raise Refusal(Problem("file", str(folder / name), what, "Write the picture again"))
        rgb = picture if picture.ndim == 2 else picture[..., ::-1]
        found.append((row, np.ascontiguousarray(rgb, np.uint8)))
    return Shown(settings, found)
