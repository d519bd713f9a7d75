"""The one thread that owns the only write connection. Jobs queued together are committed together.

A job's Future resolves only after its commit. No table is named here: what a job writes is the business of hits.py,
feed.py, people.py and their like.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from edge.errors import EdgeError, StoreError
from edge.records import FeedItem
from edge.store.connect import explain, immediate, is_full, is_locked

T = TypeVar("T")
_log = logging.getLogger(__name__)

MAX_QUEUED = 1000
MAX_GROUPED = 64
TICK_S = 0.5
"""How often the thread wakes without a job, to notice what other processes wrote."""


@dataclass(slots=True)
class Change:
    """What a job is given: the connection, inside a transaction, and a place for the feed items it adds."""

    db: sqlite3.Connection
    items: list[FeedItem] = field(default_factory=list)


@dataclass(slots=True)
class Job(Generic[T]):
    """`prepare` runs before the transaction (slow files), `apply` inside it, `finish` after the commit.

    `undo` runs inside the transaction instead of a failed `apply`, for what `prepare` has left behind.
    """

    apply: Callable[[Change], T]
    prepare: Callable[[], None] | None = None
    finish: Callable[[sqlite3.Connection, T], T] | None = None
    undo: Callable[[Change], None] | None = None
    future: Future[T] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the store wants to be told, always on the writer thread."""

    committed: Callable[[sqlite3.Connection, list[FeedItem]], None]
    foreign_change: Callable[[sqlite3.Connection], None]
    tick: Callable[[], None]
    relieve: Callable[[sqlite3.Connection], bool]
    """Frees disk space; returns whether another try makes sense."""


class Writer:
    """Runs jobs in the order they came in; `close` finishes those already queued."""

    def __init__(self, db: sqlite3.Connection, path: Path, hooks: Hooks) -> None:
        self._db = db
        self._path = path
        self._hooks = hooks
        self._jobs: queue.Queue[Job[Any] | None] = queue.Queue(MAX_QUEUED)
        self._closing = threading.Lock()
        self._closed = False
        self._data_version = self._read_data_version()
        self.commits = 0
        self.failures = 0
        self.problem: tuple[str, str] | None = None
        """What the last batch met, as state and sentence, until one is committed again."""
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(
        self,
        apply: Callable[[Change], T],
        *,
        prepare: Callable[[], None] | None = None,
        finish: Callable[[sqlite3.Connection, T], T] | None = None,
        undo: Callable[[Change], None] | None = None,
    ) -> Future[T]:
        """Queue a job; StoreError in the Future if it can't be done, at once if the queue is full or closed."""
        job = Job(apply, prepare, finish, undo)
        job.future.set_running_or_notify_cancel()  # a cancelled waiter must not take its alert along
        with self._closing:
            if self._closed:
                job.future.set_exception(StoreError(f"{self._path}: the store is closed"))
                return job.future
            try:
                self._jobs.put_nowait(job)
            except queue.Full:
                self.failures += 1
                text = (
                    f"{self._path}: {MAX_QUEUED} writes are waiting; the disk is too slow or fails, look at its health"
                )
                job.future.set_exception(StoreError(text))
        return job.future

    @property
    def busy_s(self) -> float:
        """Seconds for which the transaction at hand has been under way; 0 where there is none."""
        since = self._busy_since
        return 0.0 if since is None else time.monotonic() - since

    @property
    def depth(self) -> int:
        """Jobs waiting."""
        return self._jobs.qsize()

    def close(self) -> None:
        """Finish what is queued, stop the thread, close the connection. May be called twice."""
        with self._closing:
            was_closed, self._closed = self._closed, True
        if not was_closed:
            self._jobs.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._next_batch()
            self._notice_others()
            if batch:
                self._commit(batch)
            self._guarded(self._hooks.tick)
        self._db.close()

    def _next_batch(self) -> tuple[list[Job[Any]], bool]:
        """Wait for a job or a tick, then take all that is there; True when it is the end."""
        batch: list[Job[Any]] = []
        try:
            job = self._jobs.get(timeout=TICK_S)
            while job is not None:
                batch.append(job)
                if len(batch) == MAX_GROUPED:
                    return batch, False
                job = self._jobs.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _commit(self, batch: list[Job[Any]]) -> None:
        """Commit a batch; where the disk is full, make room and try once more."""
        left = self._attempt(batch)
        has_room = bool(left) and self._guarded(self._relieve)
        if has_room:
            left = self._attempt(left)
        if left:
            self.problem = "full", "the disk is full and no picture is left to shed"
        for job in left:
            self._fail(
                job, StoreError(f"{self._path}: the disk is full and no picture is left to shed; free some space")
            )

    def _note_problem(self, error: Exception) -> None:
        if isinstance(error, sqlite3.Error | OSError):
            self.problem = "locked" if is_locked(error) else "failing", str(explain(error, self._path))

    def _relieve(self) -> bool:
        return self._hooks.relieve(self._db)

    def _attempt(self, batch: list[Job[Any]]) -> list[Job[Any]]:
        """Try a batch in one transaction; returns the jobs for which the disk had no room."""
        ready, full = self._prepare(batch)
        change = Change(self._db)
        self._busy_since = time.monotonic()
        try:
            with immediate(self._db):
                outcomes = [self._apply(job, change) for job in ready]
        except Exception as error:  # noqa: BLE001 - nothing of this batch was kept
            if is_full(error):
                return ready + full
            self._note_problem(error)
            for job in ready:
                self._fail(job, error)
            return full
        finally:
            self._busy_since = None
        self.commits += 1
        self.problem = None
        self._guarded(lambda: self._hooks.committed(self._db, change.items))
        for job, (result, refusal) in zip(ready, outcomes, strict=True):
            self._finish(job, result, refusal)
        return full

    def _prepare(self, batch: list[Job[Any]]) -> tuple[list[Job[Any]], list[Job[Any]]]:
        """Jobs ready to be applied, and those from the first on for which the disk has no room: the order stays."""
        ready: list[Job[Any]] = []
        for index, job in enumerate(batch):
            try:
                if job.prepare is not None:
                    job.prepare()
                ready.append(job)
            except Exception as error:  # noqa: BLE001
                if is_full(error):
                    return ready, batch[index:]
                self._fail(job, error)
        return ready, []

    def _apply(self, job: Job[Any], change: Change) -> tuple[Any, Exception | None]:
        """Run one job in a savepoint: what is wrong with it is no harm to the others."""
        num_items = len(change.items)
        self._db.execute("SAVEPOINT job")
        outcome: tuple[Any, Exception | None]
        try:
            outcome = job.apply(change), None
        except Exception as error:
            if is_full(error) or not self._db.in_transaction:
                raise
            self._db.execute("ROLLBACK TO job")
            del change.items[num_items:]
            if job.undo is not None:
                job.undo(change)
            outcome = None, error
        self._db.execute("RELEASE job")
        return outcome

    def _finish(self, job: Job[Any], result: Any, refusal: Exception | None) -> None:
        try:
            if refusal is not None:
                raise refusal
            job.future.set_result(result if job.finish is None else job.finish(self._db, result))
        except Exception as error:  # noqa: BLE001
            self._fail(job, error)

    def _notice_others(self) -> None:
        """Another process committed: this connection's data_version moves only then."""
        try:
            version = self._read_data_version()
        except sqlite3.Error:
            return  # the next job says it to someone who waits
        if version != self._data_version:
            self._data_version = version
            self._guarded(lambda: self._hooks.foreign_change(self._db))

    def _read_data_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _fail(self, job: Job[Any], error: Exception) -> None:
        self.failures += 1
        if isinstance(error, sqlite3.Error | OSError):
            error = explain(error, self._path)
        elif not isinstance(error, EdgeError):
            _log.error("a store job failed", exc_info=error)
        job.future.set_exception(error)

    def _guarded(self, call: Callable[[], T]) -> T | None:
        """Run a hook; the thread outlives whatever it does."""
        try:
            return call()
        except Exception:  # noqa: BLE001
            _log.exception("a hook of the store failed")
            return None
