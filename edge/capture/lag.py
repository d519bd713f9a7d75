"""How far a live stream has fallen behind, told from its own times and ours. Holds no clock: times are given.

A box that decodes a stream more slowly than it is filmed gets every picture later than the one before, and the pictures
wait in buffers: they look new by the time they are read, and are not.
"""

from __future__ import annotations

DRIFT = 0.001
"""Of two clocks: a camera's may run slower than ours by this part and is still on time."""


class Lag:
    """Fed with every frame's two times, seconds."""

    def __init__(self) -> None:
        self._least_s: float | None = None
        self._first_s = 0.0

    def behind_s(self, stream_s: float, now_s: float) -> float:
        """Seconds that this frame is later than the promptest one so far; 0 for the first."""
        if self._least_s is None:
            self._first_s = now_s
        late_s = (now_s - self._first_s) * (1 - DRIFT) - stream_s
        self._least_s = late_s if self._least_s is None else min(self._least_s, late_s)
        return late_s - self._least_s
