"""Sends each change of a camera's state to the feed, those in which it doesn't see its scene with two pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edge.app.health.evidence import PICTURED_STATES, ScenePictures
from edge.records import CameraHealth, CameraState
from edge.store import time_to_text

WAIT_S = 3.0
"""Seconds that an item waits for its pictures; a vision thread that is far behind must not keep it back."""

Send = Callable[[str, Mapping[str, Any], Mapping[str, bytes] | None], None]


class CameraNews:
    """Used by one thread. `pictures` finds those of a state, None while they are not made."""

    def __init__(self, send: Send, pictures: Callable[[CameraHealth], ScenePictures | None]) -> None:
        self._send = send
        self._pictures = pictures
        self._last: dict[str, CameraState] = {}
        self._waiting: dict[str, tuple[CameraHealth, float]] = {}

    def tell(self, states: Sequence[CameraHealth], now_s: float) -> None:
        """Take in the states of all cameras, at a monotonic time in seconds; send what has changed."""
        for health in states:
            if self._last.get(health.camera) is health.state:
                continue
            self._last[health.camera] = health.state
            self._flush(health.camera)
            if health.state in PICTURED_STATES:
                self._waiting[health.camera] = health, now_s + WAIT_S
            else:
                self._tell(health, None)
        for camera, (health, until_s) in list(self._waiting.items()):
            if now_s >= until_s or self._pictures(health) is not None:
                self._flush(camera)

    def _flush(self, camera: str) -> None:
        """Send what still waits, with its pictures if they are there."""
        if (waiting := self._waiting.pop(camera, None)) is not None:
            self._tell(waiting[0], self._pictures(waiting[0]))

    def _tell(self, health: CameraHealth, pictures: ScenePictures | None) -> None:
        told: dict[str, Any] = {"camera": health.camera, "state": health.state.value, "detail": health.detail}
        told["since"] = time_to_text(health.since)
        if pictures is None:
            self._send("health", told, None)
        else:
            self._send("health", told | {"pictures": dict(pictures.names)}, pictures.images)
