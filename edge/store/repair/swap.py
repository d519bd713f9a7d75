"""The files of a repair: the new database is made beside the old one, then takes its place; the old one goes into
quarantine.

At every instant there is a whole database, the old one or the new one.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from edge.durable import sync
from edge.errors import StoreError
from edge.store.database import connect
from edge.store.repair import former_data
from edge.store.repair.former_data import QUARANTINE, megabytes

_REPAIRING, _REPAIRED = "edge.db.repairing", "edge.db.repaired"


def new_path(path: Path) -> Path:
    """Where the new database is made."""
    return path.with_name(_REPAIRING)


def make_ready(path: Path) -> None:
    """The new database is whole: from here on it is the one that counts."""
    sync(new_path(path))
    new_path(path).replace(path.with_name(_REPAIRED))


def remove_new(path: Path) -> None:
    """Delete what there is of a new database."""
    for file in connect.files_of(new_path(path)):
        file.unlink(missing_ok=True)


def num_bytes(path: Path) -> int:
    """Bytes of the database with its log."""
    return sum(former_data.num_bytes(file) for file in connect.files_of(path))


def not_kept(path: Path) -> list[str]:
    """What is said of a damaged database that takes too much of the disk to be kept."""
    size = num_bytes(path)
    if former_data.may_keep(path.parent, size):
        return []
    return [f"the damaged database ({megabytes(size)}) was not kept: it takes too much of the disk"]


def finish(path: Path) -> None:
    """Put a finished copy in place, and the damaged database in quarantine; what lay there before is deleted."""
    repaired = path.with_name(_REPAIRED)
    if not repaired.exists():
        return
    quarantine = path.parent / QUARANTINE
    if path.exists():
        shutil.rmtree(quarantine, ignore_errors=True)
    try:
        is_kept = _has_quarantine(path, quarantine)
        for old in reversed(connect.files_of(path)):
            with contextlib.suppress(FileNotFoundError):
                old.replace(quarantine / old.name) if is_kept else old.unlink()
        repaired.replace(path)
        if is_kept:
            sync(quarantine)
        sync(path.parent)
    except OSError as error:
        raise StoreError(f"{path}: a repaired database can't be put in place ({error.strerror})") from error


def _has_quarantine(path: Path, quarantine: Path) -> bool:
    """Whether the damaged database is kept: a small one, where the disk has room for one more folder."""
    if not former_data.may_keep(path.parent, num_bytes(path)):
        return False
    try:
        quarantine.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        if not connect.is_full(error):
            raise
        return False
    return True
