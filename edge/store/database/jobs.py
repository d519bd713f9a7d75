"""Records between the parts of the store and its write thread: a job, what it receives, and who listens."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from edge.records import FeedItem

T = TypeVar("T")


@dataclass(slots=True)
class Change:
    """What a job receives: the connection inside the open transaction, and the list of feed items it adds."""

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
    is_slice: bool = False
    """One of many pieces of long work, which lets others have their turn."""
    future: Future[T] = field(default_factory=Future)


def _ignore(*_: object) -> None:
    """What a listener does with an event it has no interest in."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Callbacks of one part of the store, on the writer thread; the last `tick` comes from the thread that closes."""

    committed: Callable[[sqlite3.Connection, list[FeedItem]], None] = _ignore
    """After each commit of this process, with the feed items it added."""
    foreign_commit: Callable[[sqlite3.Connection], None] = _ignore
    """Another process has committed."""
    tick: Callable[[bool], None] = _ignore
    """At least every `TICK_S`; True for the last time, just before the store closes."""
    replaced: Callable[[sqlite3.Connection], None] = _ignore
    """The database was opened anew after a repair: it may be another one."""
    disk_full: Callable[[sqlite3.Connection], bool | None] = _ignore
    """Frees disk space; returns whether a retry makes sense."""
