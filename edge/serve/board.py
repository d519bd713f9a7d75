"""The board on which the vision side pins its newest frame and camera health, and from which the page reads.

Only records pass through here: no pixel is touched, nothing is encoded, and a slow reader never holds up a publisher.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge.records import CameraHealth, LiveView
from edge.serve.bell import Bell

WANTED_FOR_S = 5.0
"""Seconds after the last look during which a camera still counts as watched."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong with the box: subject and state are words of the feed, `detail` the facts."""

    subject: str
    state: str
    since: dt.datetime
    detail: str


class LiveBoard:
    """Newest `LiveView` and `CameraHealth` per camera. All methods may be called on any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._views: dict[str, LiveView] = {}
        self._health: tuple[CameraHealth, ...] = ()
        self._conditions: tuple[Condition, ...] = ()
        self._looked_at: dict[str, float] = {}
        self._frames = Bell()
        self.health_bell = Bell()

    def publish(self, view: LiveView) -> None:
        """Pin the newest processed frame of a camera in place of the one before."""
        with self._lock:
            self._views[view.camera] = view
        self._frames.ring()

    def publish_health(self, health: Iterable[CameraHealth]) -> None:
        """Pin the state of all cameras; wakes readers only when a state or its detail changed, not for every count."""
        new = tuple(health)
        with self._lock:
            changed = _states(new) != _states(self._health)
            self._health = new
        if changed:
            self.health_bell.ring()

    def publish_conditions(self, conditions: Iterable[Condition]) -> None:
        """Pin what is wrong with the box; wakes readers when something began or ended, not for every detail."""
        new = tuple(conditions)
        changed = [(one.subject, one.state) for one in new] != [(one.subject, one.state) for one in self._conditions]
        self._conditions = new
        if changed:
            self.health_bell.ring()

    def conditions(self) -> tuple[Condition, ...]:
        """What is wrong with the box, as last published."""
        return self._conditions

    def is_wanted(self, camera: str) -> bool:
        """Whether somebody looked at this camera within the last seconds; else the publisher may skip the encoding."""
        return time.monotonic() - self._looked_at.get(camera, float("-inf")) < WANTED_FOR_S

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

    async def wait_newer(self, camera: str, frame_id: int | None, timeout_s: float) -> LiveView | None:
        """Return the newest frame once it is another than `frame_id`, or None when `timeout_s` seconds are over.

        Another, not a greater one: frame numbers start again when the service does.
        """
        found = await self.wait_any({camera: frame_id}, timeout_s)
        return found[0] if found else None

    async def wait_any(self, seen: Mapping[str, int | None], timeout_s: float) -> list[LiveView]:
        """Return, of the cameras named, every newest frame that is another than the one seen; none when time is up."""
        deadline = time.monotonic() + timeout_s
        while True:
            self._looked_at.update(dict.fromkeys(seen, time.monotonic()))
            rings = self._frames.rings
            newest = [self._views.get(camera) for camera in seen]
            if found := [view for view in newest if view is not None and view.frame_id != seen[view.camera]]:
                return found
            if not await self._frames.wait(rings, max(0.0, deadline - time.monotonic())):
                return []


def _states(health: tuple[CameraHealth, ...]) -> list[tuple[str, str, str]]:
    return [(item.camera, item.state, item.detail) for item in health]
