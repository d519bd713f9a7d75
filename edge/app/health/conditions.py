"""What is wrong with the box itself: one condition per subject, told in the feed when it changes, pinned for the page.

What the store can't take now waits here, in order and bounded: a box whose database is locked tells of it afterwards.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from edge.serve.board import Condition
from edge.store import Store, time_to_text

log = logging.getLogger(__name__)

OK = "ok"
MAX_WAITING = 200


class Teller:
    """Puts items into the feed; nobody waits for it."""

    def __init__(self, store: Store, say: Callable[[str, BaseException | None], None]) -> None:
        self._store = store
        self._say = say
        self._waiting: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=MAX_WAITING)

    def item(self, kind: str, body: Mapping[str, Any]) -> None:
        """Add an item, or let it wait behind those that wait already."""
        if self._waiting:
            self._waiting.append((kind, body))
        else:
            self._send(kind, body)

    def retry(self) -> None:
        """Offer what waits again; called now and then."""
        waiting = [self._waiting.popleft() for _ in range(len(self._waiting))]
        for kind, body in waiting:
            self._send(kind, body)

    def _send(self, kind: str, body: Mapping[str, Any]) -> None:
        self._store.add_item(kind, body).add_done_callback(lambda done: self._done(done, kind, body))

    def _done(self, done: Future[Any], kind: str, body: Mapping[str, Any]) -> None:
        error = done.exception()
        self._say(f"a {kind} item", error)
        if error is not None:
            self._waiting.append((kind, body))


class Conditions:
    """The conditions of now. Used by one thread at a time."""

    def __init__(self, teller: Teller, publish: Callable[[tuple[Condition, ...]], None]) -> None:
        self._teller = teller
        self._publish = publish
        self._now: dict[str, Condition] = {}

    def state(self, subject: str) -> str:
        """The state a subject is in."""
        found = self._now.get(subject)
        return found.state if found else OK

    def details(self) -> dict[str, str]:
        """What is wrong, in words, by subject."""
        return {subject: one.detail for subject, one in self._now.items()}

    def now(self) -> tuple[Condition, ...]:
        """What is wrong, in the order in which it went wrong."""
        return tuple(self._now.values())

    def set(self, subject: str, state: str, detail: str, at: dt.datetime, **more: Any) -> None:
        """Say how a subject is; that all is well is not told at the start, and what stays as it was only once.

        `more` goes into the feed beside state and detail.
        """
        former = self._now.get(subject)
        if state == (former.state if former else OK):
            if former is not None and detail != former.detail:
                self._now[subject] = replace(former, detail=detail)
                self._publish(self.now())
            return
        self._now.pop(subject, None)
        if state != OK:
            self._now[subject] = Condition(subject, state, at, detail)
        self._publish(self.now())
        log.log(logging.INFO if state == OK else logging.WARNING, "%s is %s: %s", subject, state, detail)
        body = {"subject": subject, "state": state, "detail": detail, "since": time_to_text(at), **more}
        self._teller.item("health", body)
