"""Copies of former data beside the database, which nothing needs: how much of the disk they may take, what goes first.

A damaged database is kept for whoever wants to look into it, as are what a restore has replaced and what a rollback has
refused. When the disk is short they go before any picture does.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from edge.store.blobs import FORMER

QUARANTINE = "quarantine"
"""Folder of the last damaged database."""
REPLACED = "restore.replaced"
"""What was there before a restore, until the next erasure or the next restore."""
REFUSED = "edge.db.refused"
"""The database that a rollback has replaced."""
MAX_SHARE = 0.1
"""Of the disk: a larger damaged database is not kept."""
DROPPED = "dropped"
"""State of the health item, whose subject is `quarantine`."""
_WORDS = {
    FORMER: "what lay in the place of the folder of pictures",
    QUARANTINE: "the copy of a damaged database",
    REPLACED: "the data that a restore had replaced",
    REFUSED: "the database that a rollback had refused",
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """What was deleted to make room."""

    what: tuple[str, ...] = ()
    num_bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self.what)

    def sentence(self) -> str:
        """For the health item and the page."""
        return f"{' and '.join(self.what)} ({megabytes(self.num_bytes)}): deleted to make room"


def may_keep(folder: Path, num_bytes: int) -> bool:
    """Whether a damaged database of that size may stay in quarantine."""
    return num_bytes <= MAX_SHARE * shutil.disk_usage(folder).total


def drop(folder: Path) -> Dropped:
    """Delete all of it; what can't be deleted stays, and is not told to be gone."""
    gone, freed = [], 0
    for name, words in _WORDS.items():
        path = folder / name
        size = num_bytes(path)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        if size and not path.exists():
            gone.append(words)
            freed += size
    return Dropped(tuple(gone), freed)


def num_bytes(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; 0 where there is none."""
    if path.is_dir():
        return sum(num_bytes(one) for one in path.iterdir())
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0


def megabytes(size: int) -> str:
    """In words, never 0."""
    return f"{max(1, round(size / 1_000_000))} MB"
