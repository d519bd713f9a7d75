"""What belongs to a backup, and the folders beside the data in which copies lie for a while."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from edge.store.repair.former_data import QUARANTINE, REPLACED

__all__ = [
    "BLOBS",
    "DATABASE",
    "FILES",
    "FOLDERS",
    "MB",
    "MOVING",
    "READY",
    "REPLACED",
    "STAGING",
    "TAKEN_AWAY",
    "UNPACKED",
    "Progress",
    "drop_copies",
]


Progress = Callable[[str, int, int], None]
"""Told what is being done, and how many MB of how many are done."""
MB = 1_000_000

STAGING = "backup.making"
"""Snapshot and links to pictures while a backup is made."""
UNPACKED, READY, MOVING = "restore.unpacking", "restore.ready", "restore.moving"
"""A backup on its way in: not whole yet; whole; former data out of the way."""

FILES = ("box.key", "audit.key", "tls.key", "tls.crt")
"""Keys beside the database."""
FOLDERS = ("commission",)
DATABASE, BLOBS = "edge.db", "blobs"
TAKEN_AWAY = (
    *(f"{DATABASE}{end}" for end in ("", "-wal", "-shm", ".before", ".refused", ".copy")),
    *("epoch", "audit.head", BLOBS, "examine", QUARANTINE, *FILES, *FOLDERS),
)
"""What a restore replaces. Model packs, choices made for this machine and locks stay."""


def drop_copies(folder: Path) -> bool:
    """Delete everything that holds a copy of former data; returns whether nothing of it is left.

    A backup that is being made breaks off, and says so. What a restore is just moving in is the data itself, and stays.
    """
    for name in (STAGING, UNPACKED, REPLACED):
        shutil.rmtree(folder / name, ignore_errors=True)
    return not any((folder / name).exists() for name in (STAGING, UNPACKED, REPLACED))
