"""Deletion of slides: when their time is over, or because a person says so.

Only a slide whose verdict stands in the signed chain is ever deleted. The chain says so first, then
the files go: what a power cut leaves of them is taken away at the next start.
"""

import logging
import shutil
import time
from pathlib import Path

from edge.journal import chain, shelf
from edge.journal.central import SOFTWARE, Central
from edge.journal.durable import fault_of, sync_folder
from edge.settings import Retention

log = logging.getLogger(__name__)

DAY_US = 86_400 * 1_000_000


def delete(state_dir: Path, central: Central, slide: str, who: str, why: str) -> None:
    """Take an ended slide away: its rows, pictures and verdict, and whose it was.

    Raises:
        LookupError: It has not ended, or there is no such slide.
        StoreFault: The disk failed.
    """
    if not central.has(chain.VERDICT, slide) or central.has(chain.DELETED, slide):
        raise LookupError(slide)
    central.forget(slide, who, why)
    _take_away(state_dir, slide)


def _take_away(state_dir: Path, slide: str) -> None:
    folder = shelf.path(state_dir, slide).parent
    try:
        if folder.exists():
            shutil.rmtree(folder)
            sync_folder(folder.parent)
    except OSError as error:
        raise fault_of(folder, error) from error


class Keeper:
    """Keeps the daemon's slides within the site's limits."""

    def __init__(self, state_dir: Path, central: Central, limits: Retention) -> None:
        self._state_dir, self._central, self._limits = state_dir, central, limits

    def finish(self) -> None:
        """Take away what is left of slides that were being deleted when the power went.

        Raises:
            StoreFault: The disk failed.
        """
        for slide in self._central.slides(chain.DELETED):
            _take_away(self._state_dir, slide)

    def tidy(self) -> None:
        """Delete what is too old or too much, oldest first.

        Raises:
            StoreFault: The disk failed.
        """
        if not self._limits.days and not self._limits.gigabytes:
            return
        deleted = self._central.slides(chain.DELETED)
        ended = {
            slide: entry
            for slide, entry in self._central.slides(chain.VERDICT).items()
            if slide not in deleted
        }
        oldest_us = time.time_ns() // 1000 - self._limits.days * DAY_US
        sizes = {slide: _bytes(self._state_dir, slide) for slide in shelf.slides(self._state_dir)}
        over = sum(sizes.values()) - self._limits.gigabytes * 10**9
        for slide, entry in ended.items():
            if self._limits.days and entry.at_us < oldest_us:
                why = f"older than {self._limits.days} days"
            elif self._limits.gigabytes and over > 0:
                why = f"over {self._limits.gigabytes} GB"
            else:
                continue
            delete(self._state_dir, self._central, slide, SOFTWARE, why)
            over -= sizes.get(slide, 0)


def _bytes(state_dir: Path, slide: str) -> int:
    folder = shelf.path(state_dir, slide).parent
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
