"""How long lists, filters, feed pages and the start take with a million hits: `python -m tools.million`.

Writes a store in bulk (a few GB, some minutes), then asks it what the page and central servers ask. The figures are the
median of each question with its answer in the page cache, and those of the service's own file: nothing is mocked.
With `--cold` the system gives up its copies of the file before the start and before each question, as after a boot;
`--crashed` also kills a process that writes, and measures the start after that.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edge.hit_ids import derive_hit_id
from edge.records import Hit
from edge.store import Store, time_to_text
from edge.store.codec import hit_to_json, to_line
from edge.store.hits.search import HitFilter
from tests.support.store import ANN, BOB, enrol, hit_of

T0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EVERY = dt.timedelta(seconds=20)
CAMERAS = ("door", "yard", "hall", "gate")
RARE = 5000
"""Every so many hits one is disputed, and one of the second person."""
ROUNDS, COLD_ROUNDS = 21, 3
CRASH = """
import os, signal, sys
from pathlib import Path
from edge.store import Store
store = Store.open(Path(sys.argv[1]))
store.add_item("heartbeat", {"frames": 1}).result(60)
os.kill(os.getpid(), signal.SIGKILL)
"""
PAGE = 51


def build(folder: Path, count: int) -> None:
    """A store with `count` hits of two people at four cameras, each with its feed item."""
    with Store.open(folder) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        first, pictures = hit_of(ANN, 0)
        store.add_hit(first, pictures).result(60)
    with sqlite3.connect(folder / "edge.db") as db:
        db.execute("PRAGMA synchronous = OFF")
        base = int(db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'feed'").fetchone()[0])
        rows = ((seq, *row) for seq, row in enumerate(_rows(first, count), base + 1))
        hits: list[tuple[Any, ...]] = []
        feed: list[tuple[Any, ...]] = []
        for seq, hit_id, person, camera, state, at, line in rows:
            hits.append((hit_id, person, camera, "actual", state, at, seq, seq, line))
            feed.append((seq, at, "alert.created", hit_id, line))
            if len(hits) == 5000 or seq == base + count:
                db.executemany(
                    "INSERT INTO hits (hit_id, person_id, camera, kind, review_state, last_at, latest_seq, seen_seq,"
                    " body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    hits,
                )
                db.executemany("INSERT INTO feed (seq, at, type, hit_id, body) VALUES (?, ?, ?, ?, ?)", feed)
                db.commit()
                hits, feed = [], []


def _rows(first: Hit, count: int) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Hit id, person, camera, state, time, body."""
    marks = {"hit_id": "@ID", "camera": "@CAMERA"}
    template = hit_to_json(first) | marks
    template["person"] |= {"id": "@PERSON", "name": "@NAME"}
    template["visit"] |= {"first": "@AT", "last": "@AT", "best": "@AT"}
    template["review"] |= {"state": "@STATE"}
    line = to_line(template)
    for number in range(count):
        at, camera = T0 + number * EVERY, CAMERAS[number % len(CAMERAS)]
        person = BOB if number % RARE == 7 else ANN
        state = "disputed" if number % RARE == 11 else "new" if number % 3 else "confirmed"
        text, hit_id = time_to_text(at), derive_hit_id(at, "box", camera, str(number))
        given = {"@ID": hit_id, "@CAMERA": camera, "@PERSON": person.person_id, "@NAME": person.name}
        body = line
        for mark, value in (given | {"@AT": text, "@STATE": state}).items():
            body = body.replace(mark, value)
        yield hit_id, person.person_id, camera, state, text, body


def forget_cached(folder: Path) -> None:
    """Have the system give up its copies of the database: the next reader waits for the disk."""
    for path in folder.glob("edge.db*"):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


def start_after_crash_s(folder: Path, *, is_cold: bool) -> float:
    """Seconds until the store is open after a process that had just written was killed."""
    subprocess.run([sys.executable, "-c", CRASH, str(folder)], check=False)
    if not (folder / "edge.db-wal").exists():
        sys.exit("the killed process has left no log of the database, so its end was orderly")
    if is_cold:
        forget_cached(folder)
    began = time.perf_counter()
    with Store.open(folder):
        return round(time.perf_counter() - began, 2)


def measure(folder: Path, *, is_cold: bool = False) -> dict[str, Any]:
    """JSON-ready: ms of each question, and seconds of the start."""
    if is_cold:
        forget_cached(folder)
    began = time.perf_counter()
    store = Store.open(folder)
    start_s = time.perf_counter() - began
    try:
        asked, hits = questions(store), store.stats()["hits"]
        warm = {} if is_cold else {name: _median_ms(lambda call=call: call(store)) for name, call in asked.items()}  # type: ignore[misc]
    finally:
        store.close()
    return {
        "hits": hits,
        "bytes": (folder / "edge.db").stat().st_size,
        "is_cold": is_cold,
        "start_s": round(start_s, 2),
        "ms": warm or {name: _cold_ms(folder, call) for name, call in asked.items()},
    }


def questions(store: Store) -> dict[str, Callable[[Store], object]]:
    """What the page and central servers ask, by name."""
    newest = store.hits(limit=1)[0]
    middle = T0 + (newest.visit.first_at - T0) / 2
    filters = {
        "all": HitFilter(),
        "person": HitFilter(person_id=ANN.person_id),
        "rare person": HitFilter(person_id=BOB.person_id),
        "camera": HitFilter(camera="door"),
        "state": HitFilter(state="new"),
        "rare state": HitFilter(state="disputed"),
        "day": HitFilter(since=middle, until=middle + dt.timedelta(days=1)),
        "person at camera": HitFilter(person_id=ANN.person_id, camera="door"),
        "person at camera where never": HitFilter(person_id=BOB.person_id, camera="door"),
        "person, rare state": HitFilter(person_id=ANN.person_id, state="disputed"),
        "camera, rare state": HitFilter(camera="hall", state="disputed"),
        "all four": HitFilter(ANN.person_id, "door", "new", middle, middle + dt.timedelta(days=1)),
    }
    asked: dict[str, Callable[[Store], object]] = {}
    for name, which in filters.items():
        asked[f"list: {name}"] = lambda store, which=which: store.find_hits(which, None, PAGE)  # type: ignore[misc]
        asked[f"count: {name}"] = lambda store, which=which: store.count_hits(which)  # type: ignore[misc]
    half = derive_hit_id(middle, "box", "door", "x")
    asked["list: from the middle"] = lambda store: store.find_hits(HitFilter(), half, PAGE)
    asked["cameras"] = lambda store: store.cameras_with_hits()
    asked["last of a person at a camera"] = lambda store: store.last_hit_of(ANN.person_id, "door")
    cursor = store.feed(None, 1).next
    asked["feed: 100 items from the first"] = lambda store: store.feed(cursor, 100)
    asked["figures"] = lambda store: store.stats()
    return asked


def _median_ms(call: Callable[[], object]) -> float:
    return round(statistics.median(_ms(call) for _ in range(ROUNDS)), 2)


def _cold_ms(folder: Path, call: Callable[[Store], object]) -> float:
    """The median of a first question after a start each, by a connection that has read nothing of it yet."""
    times = []
    for _ in range(COLD_ROUNDS):
        with Store.open(folder) as store:
            forget_cached(folder)
            times.append(_ms(lambda store=store: call(store)))  # type: ignore[misc]
    return round(statistics.median(times), 2)


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def main() -> None:
    """Build where there is nothing yet, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path, help="where the store is kept, to measure it again; else it is temporary")
    parser.add_argument("--cold", action="store_true", help="with nothing of the database in memory")
    parser.add_argument("--crashed", action="store_true", help="also the start after a writer was killed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="edge-million-") as name:
        folder = given.dir or Path(name) / "data"
        if not (folder / "edge.db").exists():
            began = time.perf_counter()
            build(folder, given.hits)
            print(f"built in {time.perf_counter() - began:.0f} s", file=sys.stderr)
        found = measure(folder, is_cold=given.cold)
        if given.crashed:
            found["start_after_crash_s"] = start_after_crash_s(folder, is_cold=given.cold)
        print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
