"""The storing half of the service as a program: hits, updates, verdicts, retention, backups; until it is killed.

`python -m tools.soak.storing DATA_DIR CLOCK_FILE` prints a line for each item that is committed, as a server that pulls
would have it: epoch, seq, type, hit and hash of the body. CLOCK_FILE holds seconds by which the wall clock is wrong.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import sys
import uuid
from pathlib import Path

from edge.errors import EdgeError
from edge.records import FeedItem
from edge.store import Store
from tests.support.store import ANN, enrol, hit_of, review
from tools.soak.ledger import line_of

PICTURE_BYTES = 6000
KEPT_BYTES = 20_000_000


class SteppedClock:
    """The wall clock, as wrong as a file says."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> dt.datetime:
        try:
            wrong_s = float(self._path.read_text("ascii") or 0)
        except (OSError, ValueError):
            wrong_s = 0.0
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=wrong_s)


def store_until_killed(data_dir: Path, clock_file: Path) -> None:
    """Store batch after batch; a full disk makes it wait for the next, as the service's queue does."""
    clock = SteppedClock(clock_file)
    with Store.open(data_dir, clock=clock, is_clock_synced=lambda: True) as store:
        if store.person(ANN.person_id) is None:
            enrol(store, ANN)
        print(json.dumps({"epoch": store.epoch}), flush=True)
        store.subscribe(lambda item: tell(store, item))
        number = 0
        while True:
            number += 1
            with contextlib.suppress(EdgeError):
                store_batch(store, clock, number)


def store_batch(store: Store, clock: SteppedClock, number: int) -> None:
    """Some hits, an update, now and then a verdict and what retention removes."""
    made = []
    for part in range(3):
        hit_id = f"{store.head_seq():012d}-{part}-{uuid.uuid4().hex}"
        hit, pictures = hit_of(ANN, number * 10 + part, hit_id=hit_id, at=clock(), num_bytes=PICTURE_BYTES)
        made.append((hit_id, store.add_hit(hit, pictures)))
    for _, future in made:
        future.result(30)
    hit_id = made[0][0]
    better, pictures = hit_of(ANN, number * 10 + 7, hit_id=hit_id, at=clock(), num_bytes=PICTURE_BYTES)
    store.update_hit(better, pictures).result(30)
    if number % 2 == 0:
        review(store, hit_id, "acknowledged", "ann", None).result(30)
    if number % 3 == 0:
        store.enforce_retention(
            max_age_days=30, max_image_bytes=KEPT_BYTES, min_free_bytes=1_000_000, now=clock()
        ).result(60)


def tell(store: Store, item: FeedItem) -> None:
    """An item is committed: whoever pulls has it now."""
    print(line_of(store.epoch, item), flush=True)


if __name__ == "__main__":
    store_until_killed(Path(sys.argv[1]), Path(sys.argv[2]))
