"""Long work in slices: the next one is queued when the last is done, so that alerts get their turn in between."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


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
