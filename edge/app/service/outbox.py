"""Hands hits and feed items to the store. What the store can't take waits here, in order and in limited number.

So a locked database or a full disk delays hits and items, and loses none of them for a good while.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from edge.errors import ConflictError, NotFoundError, StoreError
from edge.pipeline import HitDraft
from edge.records import FeedItem
from edge.store import Store

log = logging.getLogger(__name__)

MAX_WAITING_HITS = 512
"""Hits that may wait; beyond it the oldest update is dropped, and a new alert only where there is no update."""
MAX_WAITING_ITEMS = 200
"""Feed items that may wait; beyond it the oldest is dropped."""
RETRY_EVERY_S = 1.0
LAST_TRIES_S = 3.0
"""Seconds for which a service that stops still tries to hand over what waits."""


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A hit, or a feed item of some type."""

    number: int
    """Entries are numbered as they come in."""
    kind: str
    draft: HitDraft | None = None
    body: Mapping[str, Any] | None = None
    images: Mapping[str, bytes] | None = None

    def put(self, store: Store) -> Future[FeedItem]:
        if self.draft is None:
            return store.add_item(self.kind, self.body or {}, self.images)
        put = store.add_hit if self.draft.is_new else store.update_hit
        return put(self.draft.hit, self.draft.images)

    def follows(self, other: _Entry) -> bool:
        """Whether it updates the hit of an earlier one, which it may need: its alert, or pictures that both name."""
        if self.draft is None or other.draft is None:
            return False
        return other.number < self.number and other.draft.hit.hit_id == self.draft.hit.hit_id


class Outbox:
    """Hands hits and feed items to the store. Any thread may call; nobody waits for the store."""

    def __init__(
        self,
        store: Store,
        on_hit_stored: Callable[[HitDraft], None] = lambda draft: None,
        on_hit_gone: Callable[[HitDraft], None] = lambda draft: None,
    ) -> None:
        """`on_hit_gone` takes an update for which there is no hit any more; both are called on the writer thread."""
        self._store = store
        self._on_hit_stored, self._on_hit_gone = on_hit_stored, on_hit_gone
        self._waiting: deque[_Entry] = deque()
        self._lock = threading.Lock()
        self._retried: _Entry | None = None
        self._numbers = itertools.count()
        self._next_try = 0.0
        self.problem: str | None = None
        """Why the store takes nothing, None where it does."""

    @property
    def num_waiting_hits(self) -> int:
        """Number of hits that the store has refused and not yet taken."""
        with self._lock:
            return sum(entry.draft is not None for entry in self._waiting)

    def add_hit(self, draft: HitDraft) -> None:
        """Send a hit, new or updated."""
        self._add(_Entry(next(self._numbers), "hit", draft=draft))

    def add_item(self, kind: str, body: Mapping[str, Any], images: Mapping[str, bytes] | None = None) -> None:
        """Send a feed item, such as `health` or `gap`, with the pictures that it names, bytes by SHA-256."""
        self._add(_Entry(next(self._numbers), kind, body=body, images=images))

    def retry(self) -> None:
        """Send the oldest waiting entry again, if it is time; called about once a second, or more often."""
        with self._lock:
            if self._retried is not None or not self._waiting or time.monotonic() < self._next_try:
                return
            self._next_try = time.monotonic() + RETRY_EVERY_S
            entry = self._retried = self._waiting.popleft()
        self._send(entry)

    def close(self) -> None:
        """Send what waits, for the last time; log how many hits are lost because the store takes none."""
        end = time.monotonic() + LAST_TRIES_S
        while (self._waiting or self._retried is not None) and time.monotonic() < end:
            self.retry()
            time.sleep(0.05)
        if num_lost := self.num_waiting_hits:
            log.error("%d hits are lost with this stop, since the store takes none: %s", num_lost, self.problem)

    def _add(self, entry: _Entry) -> None:
        with self._lock:
            if self._waiting or self._retried is not None:
                # Pullers rely on the order: an update must not arrive before the alert it belongs to.
                self._keep(entry)
                return
        self._send(entry)

    def _send(self, entry: _Entry) -> None:
        entry.put(self._store).add_done_callback(lambda done: self._done(done, entry))

    def _done(self, future: Future[FeedItem], entry: _Entry) -> None:
        """Runs on the writer thread."""
        error = future.exception()
        may_work_later = isinstance(error, StoreError) and not isinstance(error, NotFoundError | ConflictError)
        with self._lock:
            # Handed over before one that it follows was refused, it was refused for the lack of that alone.
            before = [*self._waiting, *([self._retried] if self._retried is not None else [])]
            is_early = error is not None and not may_work_later and any(entry.follows(one) for one in before)
            if self._retried is entry:
                self._retried = None
            if may_work_later or is_early:
                self._keep(entry)
            else:
                self._next_try = 0.0
            is_empty = not self._waiting
        if may_work_later:
            if self.problem is None:
                log.error("the store can't take a %s, which waits in memory: %s", entry.kind, error)
            self.problem = str(error)
        elif error is not None and not is_early:
            # For example, the person was erased meanwhile: a retry would fail for ever and block all later entries.
            log.error("the store refused a %s, which is dropped: %s", entry.kind, error)
            if entry.draft is not None and not entry.draft.is_new and isinstance(error, NotFoundError):
                self._on_hit_gone(entry.draft)
        elif error is None and entry.draft is not None:
            self._on_hit_stored(entry.draft)
        if error is None and is_empty and self.problem is not None:
            log.info("the store works again")
            self.problem = None

    def _keep(self, entry: _Entry) -> None:
        """Keep an entry in its place, and drop one of its kind if too many wait. Call with the lock held."""
        later = sum(one.number > entry.number for one in self._waiting)
        self._waiting.insert(len(self._waiting) - later, entry)
        same = [one for one in self._waiting if (one.draft is None) == (entry.draft is None)]
        if len(same) > (MAX_WAITING_ITEMS if entry.draft is None else MAX_WAITING_HITS):
            updates = [one for one in same if one.draft is not None and not one.draft.is_new]
            dropped = (updates or same)[0]
            self._waiting.remove(dropped)
            if dropped.draft is not None and dropped.draft.is_new:
                log.error(
                    "%d hits wait for the store, so the alert %s is lost", len(same) - 1, dropped.draft.hit.hit_id
                )
