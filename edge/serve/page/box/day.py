"""A camera's last day as a small picture: when it was watched, blind or paused. Pure: no store, no clock."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from edge.store import Span
from edge.store.coverage.timeline import NOT_RECORDED

SLOTS = 144
"""Places of the picture, of ten minutes each in a day."""
_WORSE = ("", "watched", "paused", "blind")
"""A place shows the worst of what happened in it, so that a short blind time stays in view."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Neighbouring places of one state: from place `at`, `width` many; and when that began and ended."""

    state: str
    at: int
    width: int
    start: dt.datetime
    end: dt.datetime


def pieces(spans: Sequence[Span], start: dt.datetime, end: dt.datetime) -> tuple[Piece, ...]:
    """What to draw of spans from `start` to `end`, which lie in order; where nothing was recorded there is no piece."""
    slot = (end - start) / SLOTS
    worst = [""] * SLOTS
    known = [span for span in spans if span.reason != NOT_RECORDED and span.end > start and span.start < end]
    for span in known:
        first, last = max((span.start - start) / slot, 0.0), min((span.end - start) / slot, float(SLOTS))
        for number in range(math.floor(first), math.ceil(last)):
            worst[number] = max(worst[number], span.state, key=_WORSE.index)
    found = []
    for number, state in enumerate(worst):
        if not state or (number and worst[number - 1] == state):
            continue
        width = next((after for after in range(number, SLOTS) if worst[after] != state), SLOTS) - number
        low, high = start + number * slot, start + (number + width) * slot
        inside = [span for span in known if span.state == state and span.end > low and span.start < high]
        found.append(Piece(state, number, width, max(inside[0].start, start), min(inside[-1].end, end)))
    return tuple(found)
