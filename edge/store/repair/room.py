"""Frees disk space while the database can't be written: by the rules of a full disk, with files alone.

Copies of former data go first, then the reserve, then pictures of hits, the oldest first; pictures of people on the
list never. Rows whose files went this way are deleted as soon as a database can be written: `images.forget_missing`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from edge.store import reserve
from edge.store.blobs import Blobs, is_sha256
from edge.store.database import connect
from edge.store.repair import former_data, salvage
from edge.store.repair.former_data import Dropped, megabytes

OPENING_BYTES = 4_000_000
"""Bytes of pictures that go so that a database can be opened, which then makes room by its own rules."""
STEP_BYTES = 8_000_000
"""So much more room is made where a copy turns out larger than was thought."""
REFERENCE = "reference"
"""Role of a hit's picture that belongs to a person on the list."""


@dataclass(frozen=True, slots=True)
class Freed:
    """What was given up."""

    dropped: Dropped = field(default_factory=Dropped)
    pictures: int = 0
    picture_bytes: int = 0
    is_reserve: bool = False

    def __bool__(self) -> bool:
        return bool(self.dropped or self.pictures or self.is_reserve)

    def __add__(self, other: Freed) -> Freed:
        dropped = Dropped(self.dropped.what + other.dropped.what, self.dropped.num_bytes + other.dropped.num_bytes)
        return Freed(
            dropped,
            self.pictures + other.pictures,
            self.picture_bytes + other.picture_bytes,
            self.is_reserve or other.is_reserve,
        )

    def sentences(self) -> list[str]:
        """What others have to know of it."""
        told = [self.dropped.sentence()] if self.dropped else []
        if self.pictures:
            told.append(f"{self.pictures} pictures of hits ({megabytes(self.picture_bytes)}) were deleted to make room")
        return told


def make(path: Path, blobs: Blobs, wanted: int) -> Freed:
    """Free space until `wanted` bytes are there; pictures stay where all of them would not be enough."""
    folder, freed = path.parent, Freed()
    if reserve.free_bytes(folder) < wanted:
        freed += Freed(former_data.drop(folder))
    if reserve.free_bytes(folder) < wanted:
        freed += Freed(is_reserve=reserve.release(folder))
    lacking = wanted - reserve.free_bytes(folder)
    if lacking > 0:
        there = _hit_pictures(path, blobs)
        if sum(size for _, size in there) >= lacking:
            freed += _delete(there, blobs, lacking)
    return freed


def delete_pictures(path: Path, blobs: Blobs) -> bool:
    """Delete some of the oldest pictures of hits, so that the database can be opened; returns whether any went."""
    return bool(_delete(_hit_pictures(path, blobs), blobs, OPENING_BYTES))


def _delete(pictures: list[tuple[str, int]], blobs: Blobs, num_bytes: int) -> Freed:
    chosen, freed = [], 0
    for sha256, size in pictures:
        if freed >= num_bytes:
            break
        chosen.append(sha256)
        freed += size
    return Freed(pictures=blobs.remove(chosen), picture_bytes=freed)


def _hit_pictures(path: Path, blobs: Blobs) -> list[tuple[str, int]]:
    """Pictures of hits that are there, and their bytes, the oldest first, as far as the database can be read."""
    if not path.exists():
        return []
    with contextlib.suppress(sqlite3.Error), contextlib.closing(connect.open_alone(path)) as db:
        kept = {row[0] for row in salvage.readable(db, "person_references", ["image_sha256"])}
        kept |= {row[1] for row in salvage.readable(db, "hit_images", ["role", "sha256"]) if row[0] == REFERENCE}
        rows = salvage.readable(db, "images", ["sha256", "num_bytes"])
        hits = [(str(sha256), int(str(size))) for sha256, size in rows if sha256 not in kept]
        return [one for one in hits if is_sha256(one[0]) and blobs.has(*one)]
    return []
