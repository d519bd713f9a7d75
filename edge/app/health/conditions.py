"""What is wrong with the appliance: one condition per subject, sent to the feed when it changes, shown on the page."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from edge.app.health.checks import OK
from edge.serve.board import Condition
from edge.store import time_to_text

log = logging.getLogger(__name__)


class Conditions:
    """The present conditions. Used by one thread at a time."""

    def __init__(
        self, send: Callable[[str, Mapping[str, Any]], None], publish: Callable[[tuple[Condition, ...]], None]
    ) -> None:
        self._send = send
        self._publish = publish
        self._now: dict[str, Condition] = {}

    def state(self, subject: str) -> str:
        """Return the state of a subject."""
        found = self._now.get(subject)
        return found.state if found else OK

    def details(self) -> dict[str, str]:
        """What is wrong, in words, by subject."""
        return {subject: one.detail for subject, one in self._now.items()}

    def now(self) -> tuple[Condition, ...]:
        """Return what is wrong, in order of appearance."""
        return tuple(self._now.values())

    def set(
        self, subject: str, state: str, detail: str, at: dt.datetime, *, cameras: tuple[str, ...] = (), **more: Any
    ) -> None:
        """Set a subject's state, and send a `health` item where it changed. An initial `ok` sends nothing.

        A new detail of the same state only updates the page. `more` is added to the feed item; `cameras` is for the
        page.
        """
        former = self._now.get(subject)
        if state == (former.state if former else OK):
            if former is not None and detail != former.detail:
                self._now[subject] = replace(former, detail=detail, cameras=cameras)
                self._publish(self.now())
            return
        self._now.pop(subject, None)
        if state != OK:
            self._now[subject] = Condition(subject, state, at, detail, cameras)
        self._publish(self.now())
        log.log(logging.INFO if state == OK else logging.WARNING, "%s is %s: %s", subject, state, detail)
        body = {"subject": subject, "state": state, "detail": detail, "since": time_to_text(at), **more}
        self._send("health", body)
