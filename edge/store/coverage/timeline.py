"""From recorded spans to an account of a stretch of time: pure, no SQL, no clock.

Spans come in the order of recording. One that reaches past the start of a later one was measured by a wrong clock and
is cut there. Unrecorded time is blind, so the parts add up to the whole.
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

NOT_RUNNING = "service not running"
NOT_SET_UP = "camera not set up"
NOT_RECORDED = "nothing recorded yet"


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of one state: "watched", "blind" (reason) or "paused" (reason, by whom)."""

    start: dt.datetime
    end: dt.datetime
    state: str
    reason: str = ""
    by: str | None = None

    @property
    def seconds(self) -> float:
        """Its length."""
        return (self.end - self.start).total_seconds()


def account(
    recorded: Mapping[str, Sequence[Span]], start: dt.datetime, end: dt.datetime, first: dt.datetime | None = None
) -> dict[str, tuple[Span, ...]]:
    """Per camera, spans without hole or overlap from `start` to `end`; `recorded` is in the order of recording.

    `first` is when anything was recorded first, where `recorded` holds only what was recorded around that stretch.
    """
    straight = {camera: _straighten(spans) for camera, spans in recorded.items()}
    running = _union(span for spans in straight.values() for span in spans)
    began = first or (running[0].start if running else end)
    return {camera: tuple(_fill(spans, running, began, start, end)) for camera, spans in straight.items()}


def _straighten(spans: Sequence[Span]) -> list[Span]:
    """In time order and without overlap; the later recorded span wins."""
    kept: list[Span] = []
    for span in spans:
        while kept and kept[-1].start >= span.start:
            kept.pop()
        if kept and kept[-1].end > span.start:
            kept[-1] = replace(kept[-1], end=span.start)
        if span.end > span.start:
            kept.append(span)
    return kept


def _union(spans: Iterable[Span]) -> list[Span]:
    """Stretches in which at least one camera has a span: the service was running."""
    union: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if union and span.start <= union[-1].end:
            union[-1] = replace(union[-1], end=max(union[-1].end, span.end))
        else:
            union.append(Span(span.start, span.end, "running"))
    return union


def _fill(
    spans: list[Span], running: list[Span], first: dt.datetime, start: dt.datetime, end: dt.datetime
) -> Iterable[Span]:
    at = start
    for span in [*spans, Span(end, end, "")]:
        if at < min(span.start, end):
            yield from _blind(at, min(span.start, end), running, first)
            at = min(span.start, end)
        if span.end > at and span.start < end:
            cut = replace(span, start=max(span.start, at), end=min(span.end, end))
            yield cut
            at = cut.end


def _blind(start: dt.datetime, end: dt.datetime, running: list[Span], first: dt.datetime) -> Iterable[Span]:
    """A hole, cut where the service came and went; only the stretches around it are looked at."""
    at = start
    low = bisect.bisect_right(running, start, key=lambda one: one.end)
    high = bisect.bisect_left(running, end, key=lambda one: one.start)
    for one in [*running[low:high], Span(end, end, "")]:
        until = min(one.start, end)
        if at < until:
            middle = min(max(first, at), until)
            if at < middle:
                yield Span(at, middle, "blind", NOT_RECORDED)
            if middle < until:
                yield Span(middle, until, "blind", NOT_RUNNING)
            at = until
        if at < min(one.end, end):
            yield Span(at, min(one.end, end), "blind", NOT_SET_UP)
            at = min(one.end, end)
