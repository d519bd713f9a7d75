"""Looks for what damage has taken, and remembers it: see losses. Memory tells others, who ask once a second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from edge.store import losses
from edge.store.core import Core
from edge.store.database.jobs import Change
from edge.store.losses import Losses
from edge.store.repair import damage


class LossKeeper:
    """Part of the store; for any thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._damaged: set[str] = set()
        self._pictures = 0
        self.is_due = True
        """Whether pictures have to be looked for: they never were, or their folder was gone."""

    def now(self) -> Losses:
        """What is known to be lost; a folder of pictures that is gone is made anew. No query."""
        blobs = self._core.blobs
        if not blobs.look():
            self.is_due = True
        with self._lock:
            return Losses(self._pictures, len(self._damaged), blobs.problem)

    def note_damaged(self, hit_id: str) -> None:
        """A hit was met whose row can't be read."""
        with self._lock:
            self._damaged.add(hit_id)

    def look_for_pictures(self) -> None:
        """Count kept pictures whose file is not there. A folder that can't be read is told instead."""
        self.is_due = False
        now = self._core.clock()
        try:
            found = self._core.read(lambda db: losses.missing_pictures(db, self._core.blobs))
        except OSError as error:
            blobs = self._core.blobs
            blobs.note(error, blobs.place_of(error))
            return
        forgotten = self._core.read(lambda db: losses.forgotten(db, now))
        with self._lock:
            self._pictures = found + forgotten

    def look_for_hits(self, rest: Callable[[], object] = lambda: None) -> None:
        """Read every hit, some at a time and rest in between; damaged ones are made anew where they can be."""
        damaged: list[str] = []
        last = 0
        while True:
            found, last = self._core.read(partial(losses.damaged_hits, after=last))
            damaged += found
            if not last:
                break
            rest()
        left = self._core.write(lambda change: self._make_anew(change, damaged)).result() if damaged else []
        with self._lock:
            self._damaged = set(left)

    def _make_anew(self, change: Change, hit_ids: list[str]) -> list[str]:
        """Those that no item of the feed tells of any more."""
        met = losses.still_damaged(change.db, hit_ids)  # others were deleted, or written anew, since they were met
        left = [hit_id for hit_id in met if not losses.make_anew(change, hit_id)]
        if count := len(met) - len(left):
            damage.record_remade_hits(change, count, self._core.clock())
        return left
