"""Computes when a recorded frame is due. Reads no clock: times are arguments."""

from __future__ import annotations

MAX_LATE_S = 1.0


class Pacer:
    """Maps times within a recording to monotonic times, over several passes of a looped one.

    Being late by more than `MAX_LATE_S` moves the whole schedule: a burst of old frames is of no use.
    """

    def __init__(self) -> None:
        self._base_s: float | None = None
        self._last_media_s = 0.0
        self._step_s = 0.0

    def due_s(self, media_s: float, now_s: float) -> float:
        """Monotonic seconds at which the frame at `media_s` is to be shown."""
        if self._base_s is None:
            self._base_s = now_s - media_s
        elif media_s <= self._last_media_s:  # a new pass starts one frame after the last
            self._base_s += self._last_media_s + self._step_s - media_s
        else:
            self._step_s = media_s - self._last_media_s
        self._last_media_s = media_s
        if now_s - self._base_s - media_s > MAX_LATE_S:
            self._base_s = now_s - media_s
        return self._base_s + media_s
