"""The one thread that owns the only write connection. Jobs whose turn has come are committed together.

A job's Future resolves only after its commit. No table is named here: what a job writes is known to its author alone.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from edge.errors import EdgeError, StoreError
from edge.store.database.connect import explain, immediate, is_damaged, is_full, is_locked
from edge.store.database.jobs import Change, Job, Listener
from edge.store.database.turns import MAX_QUEUED, Turns

T = TypeVar("T")
P = ParamSpec("P")
_log = logging.getLogger(__name__)

TICK_S = 0.5
"""How often the thread wakes without a job, to notice what other processes wrote."""
MEND_EVERY_S = 30.0
"""How long after a failed try to mend the database the next is made: the disk may have room by then."""
SLOW_S = 2.0
"""A write that takes longer than this is held up: by another process, or by a disk that fails."""


class Writer:
    """Runs jobs in the order they came in; `close` finishes those already queued."""

    def __init__(self, db: sqlite3.Connection, path: Path, reopen: Callable[[], sqlite3.Connection]) -> None:
        """`reopen` mends the database and opens it again; the connection was closed before."""
        self._db = db
        self._path = path
        self._reopen = reopen
        self._is_damaged = False
        self._has_mended = False
        """Whether this was tried since the last commit: what comes back at once can't be mended."""
        self._next_mend = 0.0
        self._away = ""
        """Why there is no connection: the database could not be mended."""
        self._listeners: list[Listener] = []
        self._turns = Turns()
        self._closing = threading.Lock()
        self._closed = False
        self._data_version = self._read_data_version()
        self.commits = 0
        self.failures = 0
        self.foreign_commits = 0
        self._trouble: tuple[str, str] | None = None
        """What the last batch met, as state and sentence, until one is committed again."""
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def listen(self, listener: Listener) -> None:
        """Add a listener; called in the order in which they were added. Only before `start`."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Start the thread; jobs queued before are then done."""
        self._thread.start()

    def submit(
        self,
        apply: Callable[[Change], T],
        *,
        prepare: Callable[[], None] | None = None,
        finish: Callable[[sqlite3.Connection, T], T] | None = None,
        undo: Callable[[Change], None] | None = None,
        is_slice: bool = False,
    ) -> Future[T]:
        """Queue a job; StoreError in the Future if it can't be done, at once if the queue is full or closed."""
        job = Job(apply, prepare, finish, undo, is_slice)
        job.future.set_running_or_notify_cancel()  # cancelling the Future must not cancel the write
        with self._closing:
            if self._closed:
                job.future.set_exception(StoreError(f"{self._path}: the store is closed"))
                return job.future
            if not self._turns.put(job):
                self.failures += 1
                text = f"{MAX_QUEUED} writes are waiting; the disk is too slow or fails, look at its health"
                job.future.set_exception(StoreError(f"{self._path}: {text}"))
        return job.future

    def trouble(self) -> tuple[str, str] | None:
        """What is wrong with writing now: `locked`, `full` or `failing`, and a sentence; None if nothing."""
        since = self._busy_since
        busy_s = 0.0 if since is None else time.monotonic() - since
        if self._trouble is None and busy_s > SLOW_S:
            return "locked", f"a write has been waiting for {busy_s:.0f} s for another process or the disk"
        return self._trouble

    def repair(self) -> None:
        """Mend the database before the next batch."""
        self._is_damaged = True

    @property
    def depth(self) -> int:
        """Jobs waiting."""
        return len(self._turns)

    def close(self) -> None:
        """Finish what is queued, stop the thread, close the connection. May be called twice."""
        for listener in self._listeners:
            _log_failure_of(listener.tick, True)
        with self._closing:
            was_closed, self._closed = self._closed, True
        if self._thread.ident is None:
            self._db.close()
            return
        if not was_closed:
            self._turns.end()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        is_last = False
        while not is_last:
            batch, is_last = self._turns.next_batch(TICK_S)
            if self._is_damaged:
                self._mend()
            if not self._away:
                self._detect_foreign_commit()
            if batch:
                self._commit(batch)
            if not is_last and not self._away:
                for listener in self._listeners:
                    _log_failure_of(listener.tick, False)
        self._db.close()

    def _commit(self, batch: list[Job[Any]]) -> None:
        """Commit a batch; where the disk is full, make room and try once more."""
        left = batch if self._away else self._try_commit(batch)
        if left and self._is_damaged and not self._away and self._mend():
            left = self._try_commit(left)
        if left and not self._away and self._make_room():
            left = self._try_commit(left)
        if left and not self._away:
            self._trouble = "full", "the disk is full and no picture is left to delete"
        full = f"{self._path}: the disk is full and no picture is left to delete; free some space"
        for job in left:
            self._fail(job, StoreError(self._away or full))

    def _mend(self) -> bool:
        """Mend the database and open it again; returns whether it could be opened. Else it is tried again later."""
        if time.monotonic() < self._next_mend:
            return False
        self._has_mended = True
        self._db.close()
        try:
            self._db = self._reopen()
        except (EdgeError, sqlite3.Error, OSError) as error:
            if not self._away:
                _log.error("the database can't be mended: %s", error)
            self._away = str(error if isinstance(error, EdgeError) else explain(error, self._path))
            self._trouble = "failing", self._away
            self._is_damaged, self._next_mend = True, time.monotonic() + MEND_EVERY_S
            return False
        self._is_damaged, self._next_mend, self._away = False, 0.0, ""
        self._data_version = self._read_data_version()
        for listener in self._listeners:
            _log_failure_of(listener.replaced, self._db)
            _log_failure_of(listener.foreign_commit, self._db)
        return True

    def _note_trouble(self, error: Exception) -> None:
        if isinstance(error, sqlite3.Error | OSError):
            self._trouble = "locked" if is_locked(error) else "failing", str(explain(error, self._path))

    def _make_room(self) -> bool:
        outcomes = [_log_failure_of(listener.disk_full, self._db) for listener in self._listeners]
        return any(outcomes)

    def _try_commit(self, batch: list[Job[Any]]) -> list[Job[Any]]:
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
            if is_damaged(error) and not self._has_mended:
                self._is_damaged = True
                return ready + full
            self._note_trouble(error)
            for job in ready:
                self._fail(job, error)
            return full
        finally:
            self._busy_since = None
        self.commits += 1
        self._trouble = None
        self._has_mended = False
        for listener in self._listeners:
            _log_failure_of(listener.committed, self._db, change.items)
        for job, (result, refusal) in zip(ready, outcomes, strict=True):
            self._finish(job, result, refusal)
        return full

    def _prepare(self, batch: list[Job[Any]]) -> tuple[list[Job[Any]], list[Job[Any]]]:
        """Prepare jobs in order. Returns those ready, and, from the first that found the disk full, all the rest.

        The rest is not tried, so that the order of the jobs is kept.
        """
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
        """Run one job in a savepoint, so that a failure rolls back only its own changes."""
        num_items = len(change.items)
        self._db.execute("SAVEPOINT job")
        outcome: tuple[Any, Exception | None]
        try:
            outcome = job.apply(change), None
        except Exception as error:
            if is_full(error) or is_damaged(error) or not self._db.in_transaction:
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

    def _detect_foreign_commit(self) -> None:
        """`data_version` of this connection changes only when another connection commits."""
        try:
            version = self._read_data_version()
        except sqlite3.Error:
            return  # the next job meets the same error and reports it to its caller
        if version != self._data_version:
            self._data_version = version
            self.foreign_commits += 1
            for listener in self._listeners:
                _log_failure_of(listener.foreign_commit, self._db)

    def _read_data_version(self) -> int:
        return int(self._db.execute("PRAGMA data_version").fetchone()[0])

    def _fail(self, job: Job[Any], error: Exception) -> None:
        self.failures += 1
        if isinstance(error, sqlite3.Error | OSError):
            error = explain(error, self._path)
        elif not isinstance(error, EdgeError):
            _log.error("a store job failed", exc_info=error)
        job.future.set_exception(error)


def _log_failure_of(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """Run a callback; log its exception instead of ending the writer thread."""
    try:
        return call(*args, **kwargs)
    except Exception:  # noqa: BLE001
        _log.exception("a listener of the store failed")
        return None
