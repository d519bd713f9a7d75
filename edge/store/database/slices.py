"""Long work in slices: the next one is queued when the last is done, so that alerts get their turn in between.

Their length is bounded by time, on whatever machine.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")
SLICE_S = 0.03
"""Seconds of work between two chances for an alert to be stored."""
PIECES = 3
"""Pieces of work that fit into a slice."""
SLOW_COMMIT_S = 0.1
"""Where a slice takes longer than this to be committed, the next is shorter."""
LEAST_SHARE = 0.05
now = time.monotonic


@dataclass(slots=True)
class Piece:
    """A piece of work: rows, files or pages that may be taken, and how many were."""

    size: int
    done: int = 0


class TimeSlice:
    """How much is done before alerts get their turn: pieces as large as this machine does them in a part of a slice.

    The first piece of each kind is one row; so the time that alerts wait holds on a slow disk, too.
    """

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._share = 1.0
        self._until = 0.0
        self._worked_until: float | None = None

    def begin(self, seconds: float = SLICE_S) -> None:
        """A slice begins."""
        if self._worked_until is not None:
            is_slow = now() - self._worked_until > SLOW_COMMIT_S
            self._share = max(self._share / 2, LEAST_SHARE) if is_slow else min(self._share * 1.5, 1.0)
        self._until = now() + seconds * self._share

    def is_over(self) -> bool:
        """Whether it is the others' turn."""
        self._worked_until = now()
        return self._worked_until >= self._until

    @contextlib.contextmanager
    def piece(self, kind: str, most: int) -> Iterator[Piece]:
        """Do a piece of work of some kind, of so many rows, files or pages at most."""
        piece = Piece(min(self._sizes.get(kind, 1), most))
        began = now()
        yield piece
        if piece.done:
            fitting = int(piece.done * SLICE_S / PIECES / max(now() - began, 1e-6))
            larger = 2 * piece.size if piece.done >= piece.size else piece.size  # a part of it tells nothing of more
            self._sizes[kind] = max(1, min(fitting, larger))


def until_done(start_slice: Callable[[], Future[T | None]]) -> Future[T]:
    """Start one slice after the other until one has a result."""
    total: Future[T] = _begun()

    def go_on(done: Future[T | None]) -> None:
        if (error := done.exception()) is not None:
            total.set_exception(error)
        elif (result := done.result()) is not None:
            total.set_result(result)
        else:
            start_slice().add_done_callback(go_on)

    start_slice().add_done_callback(go_on)
    return total


def after(first: Future[T], start_next: Callable[[T], Future[U]]) -> Future[U]:
    """Start the next piece of work with the result of the first; an error of either ends both."""
    total: Future[U] = _begun()

    def copy(done: Future[U]) -> None:
        if (error := done.exception()) is not None:
            total.set_exception(error)
        else:
            total.set_result(done.result())

    def go_on(done: Future[T]) -> None:
        if (failure := done.exception()) is not None:
            total.set_exception(failure)
            return
        try:
            following = start_next(done.result())
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            total.set_exception(error)
            return
        following.add_done_callback(copy)

    first.add_done_callback(go_on)
    return total


def then(first: Future[T], change: Callable[[T], U]) -> Future[U]:
    """The result of a piece of work, changed by a function."""
    return after(first, lambda result: finished(change(result)))


def beside(work: Callable[[], T]) -> tuple[Future[T], threading.Thread]:
    """Begin work that needs no write lock on a thread of its own; whoever closes the store joins it."""
    done: Future[T] = _begun()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it
            done.set_exception(error)
        else:
            done.set_result(result)

    thread = threading.Thread(target=run, name="store-beside", daemon=True)
    thread.start()
    return done, thread


def finished(result: T) -> Future[T]:
    """A piece of work that is done already."""
    done: Future[T] = Future()
    done.set_result(result)
    return done


def _begun() -> Future[T]:
    """A result that is on its way: who waits no longer, as at a stop, can't cancel it under the writer's hands."""
    total: Future[T] = Future()
    total.set_running_or_notify_cancel()
    return total
