"""Tells new pictures of a live stream from old ones, and why they come late. Reads no clock: times are arguments."""

from __future__ import annotations

from edge.capture.network.lag import Lag
from edge.errors import CameraError

MAX_BEHIND_S = 2.0
"""Oldest a live picture may be; a stream further behind is reopened, which drops its backlog."""
BACKLOG_S = 2.0
"""Time after opening in which pictures that come faster than they are filmed are old ones."""
SET_BACK_S = 0.5
"""A camera's clock that goes back by more was set, or began anew."""
WAITING_SHARE = 0.2
"""Share of the time for which a reader that keeps up waits for data, at least."""


class Freshness:
    """Tells pictures that are new from those that were buffered while the stream was opened, and from late ones."""

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._lag = Lag()
        self._first_s: float | None = None
        self._last: tuple[float, float] = (0.0, 0.0)
        self._on_time_s = self._waited_before_s = 0.0

    def is_fresh(self, at_s: float | None, now_s: float, waited_s: float = 0.0) -> bool:
        """Whether to show the picture; raises CameraError where pictures have come late for long.

        `waited_s`: for how long data were waited for, since the stream was opened.
        """
        if at_s is None:
            return True
        if self._first_s is not None and at_s == self._last[0]:
            return True  # the camera's clock stands still, and tells nothing
        if at_s < self._last[0] - SET_BACK_S:
            self._lag = Lag()
        if self._first_s is None:
            self._first_s = self._on_time_s = now_s
            self._last = (at_s, now_s)
            self._lag.behind_s(at_s, now_s)
            return True
        comes_at_once = now_s - self._last[1] < 0.5 * (at_s - self._last[0])
        self._last = (at_s, now_s)
        behind_s = self._lag.behind_s(at_s, now_s)
        if behind_s < MAX_BEHIND_S:
            self._on_time_s, self._waited_before_s = now_s, waited_s
        late_s = now_s - self._on_time_s
        if late_s > MAX_BEHIND_S:  # only a lasting lag counts: short ones are caught up
            if waited_s - self._waited_before_s >= WAITING_SHARE * late_s:
                raise CameraError(
                    f"{self._shown}: pictures come {behind_s:.0f} s late, though this box waits for them: the network "
                    "is too slow, or the camera's clock is; check its network, and that it sends as many pictures a "
                    "second as it says"
                )
            raise CameraError(
                f"{self._shown}: pictures come {behind_s:.0f} s late, as this box decodes them more slowly "
                "than the camera films; let the camera send smaller or fewer pictures"
            )
        return not (comes_at_once and now_s - self._first_s < BACKLOG_S)
