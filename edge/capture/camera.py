"""A camera as the service sees it: start, take the newest frame, ask for its health, stop. No call hangs.

Frames come from a child process through the ring; a supervisor thread keeps that process alive.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import select
import threading
import time
from collections.abc import Sequence
from types import TracebackType

from edge.capture.address import parse_source
from edge.capture.health import HealthLimits
from edge.capture.ring import RingReader
from edge.capture.supervisor import Supervisor
from edge.config import CameraConfig
from edge.records import CameraHealth, CameraState, Frame

_STOP_LIMIT_S = 8.0
_CHANGE_POLL_S = 0.02
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Camera:
    """One camera. Made once, started once; `newest` and `borrow` belong to one thread, everything else to any.

    A recording with `realtime = false` is played as fast as `newest` takes its frames, and none is dropped.
    """

    def __init__(self, config: CameraConfig, limits: HealthLimits | None = None) -> None:
        parse_source(config)  # an invalid source is refused here, not in the child
        self.config = config
        self._ring = RingReader()
        self._supervisor = Supervisor(config, self._ring, limits or HealthLimits(config.stall_after_s))
        self._stop = threading.Event()
        self._reading = threading.Lock()
        self._is_closed = False
        # A daemon, so that a forgotten stop() can't keep the service from ending; the child dies with it.
        self._thread = threading.Thread(
            target=self._supervisor.run, args=(self._stop,), name=f"capture-{config.name}", daemon=True
        )

    def __enter__(self) -> Camera:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the capture process and its supervisor; returns at once, whatever the source does."""
        self._thread.start()

    def stop(self) -> None:
        """End the capture process, by force after a second, and give its memory back. May be called again."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP_LIMIT_S)
        if not self._is_closed:
            self._ring.wake()
        with self._reading:
            if not self._is_closed and not self._thread.is_alive():
                self._is_closed = True
                self._ring.close()

    def newest(self, timeout_s: float) -> Frame | None:
        """The newest frame, each at most once; None when none came within `timeout_s` or the camera was stopped.

        At the end of a recording its last frame may still be here when `health` already says `ended`.
        """
        frame = self.borrow(timeout_s)
        return frame if frame is None else dataclasses.replace(frame, pixels=frame.image)

    def borrow(self, timeout_s: float) -> Frame | None:
        """The same, but where it lies in shared memory: not copied until its image is asked for.

        The next call, of this or of `newest`, gives it back; from then on it has no image unless that was made before.
        """
        deadline_s = time.monotonic() + timeout_s
        with self._reading:
            while self._supervisor.is_changing:
                if self._stop.wait(_CHANGE_POLL_S) or time.monotonic() >= deadline_s:
                    return None
            found = None if self._is_closed else self._ring.newest(max(0.0, deadline_s - time.monotonic()))
        if found is None:
            return None
        captured_at = _EPOCH + dt.timedelta(microseconds=found.captured_ns // 1000)
        return Frame(found.number, self.config.name, captured_at, found.mono_ns, found.pixels)

    @property
    def event_fd(self) -> int | None:
        """Readable once a frame may have come that was not asked for yet; None while none is to come."""
        return None if self._is_closed or self._stop.is_set() or self._supervisor.is_changing else self._ring.fds[1]

    def change(self, config: CameraConfig) -> None:
        """Go on with other settings of the same source, such as masks; the caller is the thread that calls `newest`.

        Returns at once. Capture starts anew, and `newest` gives no frame that was taken with the former settings.
        """
        self.config = config
        self._supervisor.change(config)

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before they were taken."""
        return self._ring.dropped

    @property
    def bad_frames(self) -> int:
        """Broken pictures of the source, which were left out."""
        return self._supervisor.bad_frames

    @property
    def child_pid(self) -> int | None:
        """Process id of the capture process, None between two of them."""
        return self._supervisor.child_pid

    def health(self) -> CameraHealth:
        """State, since when, and what to do; at most a fraction of a second old."""
        health = self._supervisor.health
        if self._stop.is_set():
            return dataclasses.replace(health, state=CameraState.ENDED, detail="capture was stopped")
        if self._thread.ident is not None and not self._thread.is_alive():
            return dataclasses.replace(
                health,
                state=CameraState.LOST,
                detail="capture's supervisor failed; restart the service and report its log",
            )
        return health


def wait_for_any(cameras: Sequence[Camera], timeout_s: float) -> None:
    """Return once one of the cameras may have a frame; for whoever has just asked each of them with no time to wait.

    To wait at one camera after the other would be slow: one that sends nothing would hold up all others.
    """
    poll = select.poll()
    for camera in cameras:
        if (number := camera.event_fd) is not None:
            poll.register(number, select.POLLIN)
    poll.poll(timeout_s * 1e3)
