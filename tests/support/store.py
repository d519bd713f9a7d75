"""People, pictures and hits for the tests of the store; run as a program it writes hits until it is killed."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import sqlite3
import sys
import uuid
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import numpy as np

from edge.records import FeedItem, Hit, HitImages, Person, Reference, Visit
from edge.store import Store

NOW = dt.datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=dt.UTC)
MODEL = "4d" * 32
PAGE = 4096
"""Bytes of a page of the database."""
ANN = Person("ann-1", "Ann Örtegård", "wanted")
BOB = Person("bob-2", "Bob Wintermute", "missing", NOW + dt.timedelta(days=90))


def roots(folder: Path) -> list[tuple[str, str, int]]:
    """Name, kind and first page of each table and index."""
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        return db.execute("SELECT name, type, rootpage FROM sqlite_schema WHERE rootpage > 1").fetchall()


class Clock:
    """A wall clock and a boot's own clock that move only when told to; `now` alone may be set, as by a hand."""

    def __init__(self) -> None:
        self.now = NOW
        self.boot_number = 1
        self.boot_ns = 100 * 10**9

    def __call__(self) -> dt.datetime:
        return self.now

    def boot(self) -> tuple[str, int]:
        return f"boot-{self.boot_number}", self.boot_ns

    def forward(self, **step: float) -> None:
        """Time passes."""
        self.now += dt.timedelta(**step)
        self.boot_ns += int(dt.timedelta(**step) / dt.timedelta(microseconds=1)) * 1000

    def reboot(self, **off: float) -> None:
        """The box is off for some time, and starts anew."""
        self.now += dt.timedelta(**off)
        self.boot_number, self.boot_ns = self.boot_number + 1, 5 * 10**9


def picture(text: str, num_bytes: int = 400) -> tuple[str, bytes]:
    """Return a file's hash and bytes, which repeat the text."""
    data = (text.encode() + b" ") * (num_bytes // (len(text.encode()) + 1) + 1)
    return hashlib.sha256(data).hexdigest(), data


def reference_of(person: Person, number: int = 1) -> tuple[Reference, dict[str, bytes]]:
    """A reference of a person, with its picture."""
    sha256, data = picture(f"reference {number} of {person.name}")
    vector = np.random.default_rng(number).normal(size=8).astype(np.float32)
    vector /= np.linalg.norm(vector)
    name = f"{person.person_id}/ref-{number}"
    quality = {"score": 71.5, "parts": {"blur": 0.9}}
    return Reference(name, person.person_id, sha256, vector, MODEL, quality, f"{person.name}.png"), {sha256: data}


def enrol(store: Store, person: Person, numbers: Sequence[int] = (1,)) -> None:
    """Put a person with references on the list."""
    made = [reference_of(person, number) for number in numbers]
    pictures = {sha256: data for _, given in made for sha256, data in given.items()}
    store.put_person(person, [reference for reference, _ in made], pictures).result(10)


def hit_of(
    person: Person,
    number: int,
    *,
    hit_id: str | None = None,
    camera: str = "door",
    runner_up: str | None = None,
    at: dt.datetime = NOW,
    num_bytes: int = 400,
) -> tuple[Hit, dict[str, bytes]]:
    """A hit and its pictures; ids rise with the number."""
    hit_id = hit_id or f"0190{number:08d}"
    frame, crop = picture(f"frame {hit_id} {number}", num_bytes), picture(f"crop {hit_id} of {person.name} {number}")
    enhanced = picture(f"enhanced {hit_id} of {person.name} {number}") if number % 2 else None
    names = HitImages(frame[0], crop[0], enhanced[0] if enhanced else None, reference_of(person)[0].image_sha256)
    hit = Hit(
        hit_id=hit_id,
        kind="actual",
        person=person,
        camera=camera,
        visit=Visit(at, at + dt.timedelta(seconds=number % 7), at, 1 + number),
        similarity=0.61,
        margin=0.22,
        runner_up_id=runner_up,
        similarity_original=0.55,
        similarity_enhanced=0.61 if number % 2 else None,
        expected_false_alerts="about 1 in 10,000 faces at this setting, list of 2",
        quality={"score": 64.2, "parts": {"blur": 0.8, "pose": 0.9}},
        recipe={"steps": [{"name": "lime", "version": 1, "params": {"gamma": 0.8}}], "skipped": []},
        images=names,
        box=(10.0, 20.5, 60.25, 80.0),
        frame_id=number,
        watchlist={"version": 3, "digest": "ab" * 32},
        models={"embedder": MODEL},
        box_id="edge-test",
        clock={"synced": True, "error_ms": 2.5, "boot_id": "b", "mono_ns": 12345678901234},
        review={"state": "new", "by": None, "at": None, "reason": None},
    )
    return hit, dict(one for one in (frame, crop, enhanced) if one)


def add_hits(store: Store, person: Person, numbers: Sequence[int], num_bytes: int = 400) -> None:
    """Store hits of an enrolled person, and wait for them."""
    pending = [store.add_hit(*hit_of(person, number, num_bytes=num_bytes)) for number in numbers]
    for future in pending:
        future.result(20)


def require_pictures(store: Store) -> None:
    """Every picture that a hit names is there."""
    for hit in store.hits(limit=10_000):
        for sha256 in (hit.images.frame, hit.images.crop):
            path = store.image_path(sha256)
            assert path is not None
            assert path.exists()


def review(store: Store, hit_id: str, state: str, by: str, reason: str | None) -> Future[FeedItem]:
    """Give a verdict for which one person is enough."""
    return store.reviews.give_verdict(hit_id, by, state, reason=reason, note=None, needs_second=False)


def kept_files(folder: Path) -> list[Path]:
    """Every picture file below a folder, temporary ones too."""
    return sorted(path for path in folder.rglob("blobs/*/*") if path.is_file())


def write_until_killed(data_dir: Path) -> None:
    """Store hit after hit and print `seq hit_id` of each that was acknowledged."""
    with Store.open(data_dir) as store:
        enrol(store, ANN)
        number = 0
        while True:
            batch = []
            for _ in range(4):
                number += 1
                hit_id = f"{store.head_seq():08d}-{number:04d}-{uuid.uuid4().hex}"
                batch.append(store.add_hit(*hit_of(ANN, number, hit_id=hit_id, num_bytes=3000)))
                if number % 3 == 0:
                    batch.append(store.update_hit(*hit_of(ANN, number + 100_000, hit_id=hit_id)))
            for future in batch:
                item = future.result(20)
                print(item.seq, item.body["hit_id"], flush=True)


if __name__ == "__main__":
    write_until_killed(Path(sys.argv[1]))
