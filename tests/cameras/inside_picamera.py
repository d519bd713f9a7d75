"""Runs inside the trixie root folder: the product's own camera on picamera2, libcamera and its virtual pipeline.

Prints what was seen as one line of JSON; `test_picamera.py` judges it.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.capture.camera import Camera
from edge.capture.devices.picamera import PicameraSource
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import CameraState

WITHIN_S = 60.0


def config(source: str = "picamera:0", width: int = 640, height: int = 480) -> CameraConfig:
    return CameraConfig(name="door", source=source, width=width, height=height, stall_after_s=6.0)


def wait(camera: Camera, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not is_so():
        camera.newest(0.02)
        if time.monotonic() > end:
            raise TimeoutError(f"{camera.health()}")


def is_live(camera: Camera) -> Callable[[], bool]:
    return lambda: camera.health().state == CameraState.LIVE


def pictures() -> dict[str, Any]:
    """Frames, and the camera after its process was killed and after it hung."""
    with Camera(config()) as camera:
        wait(camera, is_live(camera))
        colors: list[list[int]] = []
        shapes: set[tuple[int, ...]] = set()
        times: list[int] = []
        while len(colors) < 20:
            frame = camera.newest(WITHIN_S)
            assert frame is not None, camera.health()
            colors.append([int(value) for value in frame.image[400, 600]])
            shapes.add(frame.image.shape)
            times.append(frame.captured_mono_ns)
        restarts = []
        for number in (signal.SIGKILL, signal.SIGSTOP):
            before = camera.health().restarts
            assert camera.child_pid is not None
            os.kill(camera.child_pid, number)
            wait(camera, lambda before=before: camera.health().restarts > before)  # type: ignore[misc]
            wait(camera, is_live(camera))
            restarts.append(camera.health().restarts)
    return {
        "colors": colors,
        "shapes": sorted(shapes),
        "steps_ns": [later - earlier for earlier, later in itertools.pairwise(times)],
        "restarts": restarts,
    }


def stop_that_hangs() -> dict[str, Any]:
    """`stop()` of picamera2 never returns; the service's camera must."""
    os.environ["EDGE_TEST_HANG_STOP"] = "1"
    camera = Camera(config())
    camera.start()
    wait(camera, is_live(camera))
    child = camera.child_pid
    start = time.monotonic()
    camera.stop()
    del os.environ["EDGE_TEST_HANG_STOP"]
    return {"stop_s": time.monotonic() - start, "child_is_gone": not Path(f"/proc/{child}").exists()}


def refusals() -> dict[str, str]:
    """What is said where there is no such camera, and where it is in use."""
    said = {}
    with PicameraSource(0, 640, 480, 25):
        for name, number in (("missing", 3), ("busy", 0)):
            try:
                with PicameraSource(number, 640, 480, 25):
                    said[name] = "opened"
            except CameraError as error:
                said[name] = str(error)
    return said


def other_size() -> list[int]:
    """The size that comes where another is asked for than the camera has."""
    with Camera(config(width=1280, height=720)) as camera:
        frame = camera.newest(WITHIN_S)
        assert frame is not None, camera.health()
        return list(frame.image.shape)


if __name__ == "__main__":
    print(json.dumps({**pictures(), **stop_that_hangs(), **refusals(), "other_size": other_size()}))
