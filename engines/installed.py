"""The models that a site installed, which of them serves, and the way back."""

import json
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from engines.card import ModelCard, load
from engines.detector import BadModel

CHAIN = "active.json"
LEAST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Installed:
    """A folder with a model in each of its folders, named by the card's hash."""

    folder: Path

    def install(self, source: Path, sha256: str) -> ModelCard:
        """Copy a whole model that is the expected one. It does not serve yet.

        Args:
            source: The model's folder.
            sha256: Of its card, as its maker told it: 12 digits or more.

        Raises:
            BadModel: It is another one, is not whole, or cannot be copied.
        """
        card = load(source)
        if not re.fullmatch(f"[0-9a-f]{{{LEAST_DIGITS},64}}", sha256):
            problem = f"is no hash of {LEAST_DIGITS} to 64 hexadecimal digits"
            raise BadModel("hash", sha256, problem, "Give the one that the model's maker told you")
        if not card.sha256.startswith(sha256):
            problem = f"the card's hash is {card.sha256[:LEAST_DIGITS]}"
            raise BadModel("hash", sha256, problem, "Get the model again from its maker")
        place = self._place(card.sha256)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self.folder, prefix=".new-") as part:
                copied = Path(shutil.copytree(source, Path(part) / place.name))
                load(copied)
                if not place.exists():
                    copied.replace(place)
        except OSError as error:
            raise BadModel(str(place), card.name, str(error), "Give the folder room") from None
        return load(place)

    def models(self) -> list[Path]:
        """Their folders."""
        return sorted(path for path in self.folder.glob("[0-9a-f]*") if path.is_dir())

    def found(self, sha256: str) -> Path:
        """The one whose card's hash begins so.

        Raises:
            BadModel: There is none, or more than one.
        """
        found = [path for path in self.models() if path.name.startswith(sha256[:LEAST_DIGITS])]
        if len(found) != 1 or not sha256:
            there = ", ".join(path.name for path in found or self.models()) or "none"
            raise BadModel("model", sha256, f"names no one of: {there}", "Name one of them")
        return found[0]

    def active(self) -> Path | None:
        """The one that serves; None: the one that comes with the software.

        Raises:
            BadModel: What is kept of it cannot be read, or it is gone.
        """
        chain = self._chain()
        return self.found(chain[-1]) if chain else None

    def activate(self, model: Path) -> None:
        """Let a model serve from the service's next start on. Raises BadModel: not whole."""
        self._keep([*self._chain(), load(model).sha256[:LEAST_DIGITS]])

    def roll_back(self) -> Path | None:
        """Let the one before serve; gives it, None: the one that comes with the software.

        Raises:
            BadModel: There is none before, or what is kept of it cannot be read.
        """
        chain = self._chain()
        if not chain:
            problem = "the model that comes with the software serves already"
            raise BadModel("model", "none", problem, "Activate another one")
        before = self.found(chain[-2]) if len(chain) > 1 else None
        self._keep(chain[:-1])
        return before

    def _place(self, sha256: str) -> Path:
        return self.folder / sha256[:LEAST_DIGITS]

    def _chain(self) -> list[str]:
        """The hashes of those that serve or served, the present one last."""
        path = self.folder / CHAIN
        try:
            said = json.loads(path.read_text())
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as error:
            raise BadModel(str(path), "unreadable", str(error), _REMEDY) from None
        if not isinstance(said, list) or not all(isinstance(one, str) and one for one in said):
            raise BadModel(str(path), "unreadable", "is no list of hashes", _REMEDY)
        return said

    def _keep(self, chain: list[str]) -> None:
        path = self.folder / CHAIN
        part = path.with_suffix(".part")
        part.write_text(json.dumps(chain))
        part.replace(path)


_REMEDY = "Remove that file, then activate a model again"
