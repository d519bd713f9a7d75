"""What in a data directory still names somebody: rows, database pages, log, copies, pictures and every other file."""

from __future__ import annotations

import functools
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge.store import images
from edge.store.audit import audit
from edge.store.audit.spellings import Wanted, file_mentions, spellings
from edge.store.backup import parts
from edge.store.core import Core
from edge.store.repair.former_data import QUARANTINE

AREAS = ("database", "log", "copies", "audit", "pictures", "sheets", "examinations", "quarantine", "other files")
"""Everywhere that is searched, in words for a receipt."""
_FOLDERS = {
    "blobs": "pictures",
    "commission": "sheets",
    "examine": "examinations",
    QUARANTINE: "quarantine",
} | dict.fromkeys((parts.STAGING, parts.UNPACKED, parts.READY, parts.MOVING, parts.REPLACED), "copies")


def area_of(folder: Path, path: Path) -> str:
    """Which of `AREAS` a file of the data directory belongs to."""
    first = path.relative_to(folder).parts[0]
    if first in _FOLDERS:
        return _FOLDERS[first]
    if first == "edge.db":
        return "database"
    if first in ("edge.db-wal", "edge.db-shm"):
        return "log"
    return "copies" if first.startswith("edge.db") else "other files"


def in_files(folder: Path, wanted: Iterable[str], *, pictures: bool = True) -> Counter[str]:
    """Files that hold an id or name, by area; without `pictures` those are left out, which name nobody."""
    needles = [spelling for word in wanted if word for spelling in spellings(word)]
    found: Counter[str] = Counter()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            area = area_of(folder, path)
            if (pictures or area != "pictures") and file_mentions(path, needles):
                found[area] += 1
    return found


def in_rows(db: sqlite3.Connection, wanted: Sequence[str]) -> Counter[str]:
    """Rows that hold an id or name, by table; the rows of the audit that record erasures name nobody."""
    found: Counter[str] = Counter()
    words, among = [word for word in wanted if word], Wanted(wanted)

    @functools.lru_cache(10_000)  # most values are in many rows
    def names(value: str) -> bool:
        return value in words or among.is_named_in(value)

    tables = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").fetchall()
    for (table,) in tables:
        for row in db.execute(f'SELECT * FROM "{table}"'):
            values = [value for value in row if isinstance(value, str)]
            if table == "audit" and audit.ERASED in values:
                continue
            if any(names(value) for value in values):
                found[table] += 1
    return found


def find(core: Core, wanted: Sequence[str], *, pictures: bool) -> dict[str, int]:
    """What still holds one of these ids or names: rows by table, files by area, and files that no row names."""
    rows = core.read(lambda db: in_rows(db, wanted))
    found = {f"rows of {table}": count for table, count in sorted(rows.items())}
    found |= dict(in_files(core.folder, wanted, pictures=pictures))
    if unnamed := core.read(lambda db: images.unnamed(db, core.blobs.files())):
        found["pictures that no row names"] = len(unnamed)
    return found
