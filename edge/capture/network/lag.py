"""Measures how far a live stream has fallen behind, from its own times and ours. Reads no clock: times are arguments.

A device that decodes more slowly than the camera films falls behind; buffered pictures look new when read, but are old.
"""

from __future__ import annotations

DRIFT = 0.001
"""Tolerated difference of clock rates: a camera clock this much slower is not lag."""


class Lag:
    """Takes the two times of every frame, in seconds."""

    def __init__(self) -> None:
        self._least_s: float | None = None
        self._first_s = 0.0

    def behind_s(self, stream_s: float, now_s: float) -> float:
        """Seconds by which this frame is later than the fastest one so far; 0 for the first."""
        if self._least_s is None:
            self._first_s = now_s
        late_s = (now_s - self._first_s) * (1 - DRIFT) - stream_s
        self._least_s = late_s if self._least_s is None else min(self._least_s, late_s)
        return late_s - self._least_s
