"""What a box gives up while it is hot or behind, in a fixed order: one step after the other, and back the same way.

First the lightened view and the enhancement for eyes, then searches where nothing moves, then searches where something
does. Alerts, their pictures and the feed are never given up. `budget` puts a step in force.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from edge.app.health.checks import OK


class Lowering(IntEnum):
    """How much is given up; each step holds those before it."""

    NONE = 0
    VIEW = 1
    """No lightened view; less enhancement for eyes."""
    IDLE = 2
    """Half the searches where nothing moves."""
    RATE = 3
    """Half the searches where something does."""


DEEPEST = {
    ("heat", "hot"): Lowering.IDLE,
    ("load", "behind"): Lowering.IDLE,
    ("heat", "throttled"): Lowering.RATE,
    ("load", "overloaded"): Lowering.RATE,
}
"""How far each state of a subject may go."""
CAUSES = {
    ("heat", "hot"): "it is hot",
    ("load", "behind"): "it is behind",
    ("heat", "throttled"): "its processor is slowed down against heat",
    ("load", "overloaded"): "it can't keep up",
}
BETTER = "it is better now: this is taken back step by step"
NEXT_AFTER_S = 10.0
"""Seconds for which a step is given time to help."""
BACK_AFTER_S = 60.0
"""Seconds without need for a step until it is taken back: what it saved must not be spent at once."""
WORDS = {
    Lowering.NONE: "nothing is given up",
    Lowering.VIEW: "the lightened view is off, and less is enhanced for the eye",
    Lowering.IDLE: "the lightened view is off, less is enhanced, and still scenes are searched half as often",
    Lowering.RATE: "the lightened view is off, less is enhanced, and all scenes are searched half as often",
}


class LoweringOrder:
    """The step in force. One thread calls `update`; any may read `step`."""

    def __init__(self, last: Lowering = Lowering.RATE) -> None:
        """`last` is the deepest step that gives up anything here; those after it are neither taken nor told."""
        self.step = Lowering.NONE
        self._last = last
        self._changed_s = float("-inf")
        self._needed_s = float("-inf")

    def update(self, state: Callable[[str], str], now_s: float) -> tuple[str, str]:
        """Go on by one step where it is time; `state` returns a subject's state. Returns state and sentence.

        `now_s` is a monotonic time in seconds.
        """
        causes = [why for (subject, name), why in CAUSES.items() if state(subject) == name]
        asked = max((step for (subject, name), step in DEEPEST.items() if state(subject) == name), default=0)
        deepest = min(asked, self._last)
        if deepest >= self.step:
            self._needed_s = now_s
        if self.step < deepest and (self.step is Lowering.NONE or now_s - self._changed_s >= NEXT_AFTER_S):
            self._go(Lowering(self.step + 1), now_s)
        elif self.step > deepest and now_s - max(self._changed_s, self._needed_s) >= BACK_AFTER_S:
            self._go(Lowering(self.step - 1), now_s)
        if self.step is Lowering.NONE:
            return OK, WORDS[self.step]
        return (
            self.step.name.lower(),
            f"{WORDS[self.step]} ({', '.join(causes) or BETTER})",
        )

    def _go(self, step: Lowering, now_s: float) -> None:
        self.step, self._changed_s = step, now_s
