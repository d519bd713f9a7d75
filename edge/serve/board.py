"""Shares each camera's newest frame, camera health and conditions: the vision thread writes, the web side reads.

Holds records only; frames arrive as encoded JPEGs. Publishing replaces the former value and never waits for a reader.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass

from edge.records import CameraHealth, LiveView
from edge.serve.bell import Bell

VIEWER_COUNTS_FOR_S = 5.0
"""Seconds after a request for its frames in which a camera counts as having viewers."""
LIT_LAGS_S = 2.0
"""Seconds by which a lightened frame may be older than the plain one; an older one is left from former viewers."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A problem of the device. `subject` and `state` are the feed's words (disk, full); `detail` has the numbers.

    `cameras`: those it concerns, where not all.
    """

    subject: str
    state: str
    since: dt.datetime
    detail: str
    cameras: tuple[str, ...] = ()


class LiveBoard:
    """Newest `LiveView` and `CameraHealth` per camera. All methods may be called on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: dict[str, LiveView] = {}
        self._health: tuple[CameraHealth, ...] = ()
        self._conditions: tuple[Condition, ...] = ()
        self._lit: dict[str, LiveView] = {}
        self._asked_at: dict[str, float] = {}
        self._lit_asked_at: dict[str, float] = {}
        self._frames = Bell()
        self.health_bell = Bell()

    def publish(self, view: LiveView) -> None:
        """Replace a camera's newest frame and wake those who wait for it."""
        with self._lock:
            self._views[view.camera] = view
        self._frames.ring()

    def publish_lit(self, view: LiveView) -> None:
        """Replace a camera's newest lightened frame, for those who asked for that."""
        with self._lock:
            self._lit[view.camera] = view
        self._frames.ring()

    def forget(self, camera: str) -> None:
        """Drop a camera's newest frame, such as one from before a new mask."""
        with self._lock:
            self._views.pop(camera, None)
            self._lit.pop(camera, None)

    def publish_health(self, health: Iterable[CameraHealth]) -> None:
        """Replace the state of all cameras. Wakes readers if a state or detail has changed, not for counters alone."""
        new = tuple(health)
        with self._lock:
            changed = _states(new) != _states(self._health)
            self._health = new
        if changed:
            self.health_bell.ring()

    def publish_conditions(self, conditions: Iterable[Condition]) -> None:
        """Replace the device's conditions. Wakes readers when one began or ended; a new detail alone wakes nobody."""
        new = tuple(conditions)
        changed = [(one.subject, one.state) for one in new] != [(one.subject, one.state) for one in self._conditions]
        self._conditions = new
        if changed:
            self.health_bell.ring()

    def conditions(self) -> tuple[Condition, ...]:
        """What is wrong with the device, as last published."""
        return self._conditions

    def has_viewers(self, camera: str) -> bool:
        """Whether anybody has asked for this camera's frames lately; if not, the publisher skips encoding them."""
        return time.monotonic() - self._asked_at.get(camera, float("-inf")) < VIEWER_COUNTS_FOR_S

    def has_lit_viewers(self, camera: str) -> bool:
        """The same for its lightened frames."""
        return time.monotonic() - self._lit_asked_at.get(camera, float("-inf")) < VIEWER_COUNTS_FOR_S

    def cameras(self) -> list[str]:
        """Names of all cameras heard of, in the order of the configuration."""
        with self._lock:
            return list(dict.fromkeys([state.camera for state in self._health] + sorted(self._views)))

    def health(self) -> tuple[CameraHealth, ...]:
        """State of every camera, as last published."""
        return self._health

    def newest(self, camera: str) -> LiveView | None:
        """The newest frame of a camera, however old."""
        return self._views.get(camera)

    async def wait_newer(
        self, camera: str, frame_id: int | None, timeout_s: float, *, is_lit: bool = False
    ) -> LiveView | None:
        """Wait for a frame of `camera` other than `frame_id`; None after `timeout_s` seconds.

        Other, not greater: frame numbers start again when the service restarts.
        """
        found = await self.wait_newer_any({camera: frame_id}, timeout_s, {camera} if is_lit else frozenset())
        return found[0] if found else None

    async def wait_newer_any(
        self, seen: Mapping[str, int | None], timeout_s: float, lit: Set[str] = frozenset()
    ) -> list[LiveView]:
        """Wait until a camera in `seen` has a frame other than the one seen; return all such, [] at the time-out.

        Of the cameras in `lit`, lightened frames; a plain one where no frame has come since that was asked for.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            now = time.monotonic()
            self._asked_at.update({camera: now for camera in seen if camera not in lit})
            self._lit_asked_at.update({camera: now for camera in seen if camera in lit})
            rings = self._frames.rings
            newest = [self._newest_lit(camera) if camera in lit else self._views.get(camera) for camera in seen]
            if found := [view for view in newest if view is not None and view.frame_id != seen[view.camera]]:
                return found
            if not await self._frames.wait(rings, max(0.0, deadline - time.monotonic())):
                return []

    def _newest_lit(self, camera: str) -> LiveView | None:
        """The newest lightened frame; where it is missing or left from before, the plain one once that is not live."""
        with self._lock:
            plain, lit = self._views.get(camera), self._lit.get(camera)
        if plain is None or (lit and plain.captured_mono_ns - lit.captured_mono_ns <= LIT_LAGS_S * 1e9):
            return lit
        return plain if age_ms(plain) > LIT_LAGS_S * 1e3 else None


def _states(health: tuple[CameraHealth, ...]) -> list[tuple[str, str, str]]:
    return [(item.camera, item.state, item.detail) for item in health]


def age_ms(view: LiveView) -> float:
    """Milliseconds since the frame was captured, by the monotonic clock, which setting the time doesn't change."""
    return max(0.0, (time.monotonic_ns() - view.captured_mono_ns) / 1e6)
