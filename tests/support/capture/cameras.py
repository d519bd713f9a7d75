"""A running camera in tests: made, waited for, looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.capture.camera import Camera
from edge.capture.health import HealthLimits
from edge.config import CameraConfig
from edge.records import CameraState, Frame
from tests.support.media import wait_until

BACK_WITHIN_S = 30.0


def make(source: str, limits: HealthLimits | None = None, **settings: Any) -> Camera:
    settings = {"stall_after_s": 1.0, **settings}
    return Camera(CameraConfig(name="door", source=source, **settings), limits)


def next_frame(camera: Camera, within_s: float = BACK_WITHIN_S) -> Frame:
    frame = camera.newest(within_s)
    assert frame is not None, camera.health()
    return frame


def wait_for_state(camera: Camera, *states: CameraState, within_s: float = BACK_WITHIN_S) -> None:
    """Takes frames meanwhile, as the service does."""

    def is_so() -> bool:
        camera.newest(0.02)
        return camera.health().state in states

    wait_until(is_so, within_s)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
