"""Keeps the status file that `edge doctor` reads: rate, light, focus and outcomes of faces, camera by camera."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edge.arrays import BgrImage
from edge.capture.camera import Camera
from edge.ops.system.camera_status import CameraLook, write_looks
from edge.pipeline import TrackEnd
from edge.pixels.quality import measure_picture
from edge.records import Frame

log = logging.getLogger(__name__)

MEASURE_EVERY_S = 10.0
WRITE_EVERY_S = 30.0
SPAN = dt.timedelta(hours=1)
MAX_FACES = 5000
_PATCH = (480, 640)
"""Rows and columns about the middle that are measured: enough to tell focus and light, whatever the camera's size."""


@dataclass(slots=True)
class _Camera:
    """What is remembered of one camera."""

    width: int = 0
    height: int = 0
    luma: float = 0.0
    sharpness: float = 0.0
    fps: float = 0.0
    measured_ns: int = 0
    newest: tuple[int, int] | None = None
    counted: tuple[int, int] | None = None
    """(frame number, monotonic ns) of the newest frame, and of the one up to which the rate was worked out."""
    outcomes: deque[tuple[dt.datetime, str]] = field(default_factory=lambda: deque(maxlen=MAX_FACES))


class Lookout:
    """Told by the vision thread, written by a loop. What it holds are numbers; single assignments need no lock."""

    def __init__(self, cameras: Sequence[Camera], data_dir: Path) -> None:
        self._cameras = cameras
        self._data_dir = data_dir
        self._known = {camera.config.name: _Camera() for camera in cameras}
        self._is_failing = False

    def see(self, frame: Frame) -> None:
        """Take in a processed frame; now and then measure its light and focus."""
        known = self._known[frame.camera]
        known.newest = (frame.frame_id, frame.captured_mono_ns)
        if frame.captured_mono_ns - known.measured_ns < MEASURE_EVERY_S * 1e9 and known.measured_ns:
            return
        known.measured_ns = frame.captured_mono_ns
        known.height, known.width = frame.image.shape[:2]
        quality = measure_picture(_middle(frame.image))
        known.luma, known.sharpness = round(quality.luma, 3), round(quality.sharpness, 3)

    def note(self, end: TrackEnd) -> None:
        """Take in how a face ended."""
        outcome = end.reason.value if end.reason else "match"
        self._known[end.camera].outcomes.append((dt.datetime.now(dt.UTC), outcome))

    def looks(self, now: dt.datetime) -> list[CameraLook]:
        """One look per camera, as of now."""
        return [self._look(camera, now) for camera in self._cameras]

    async def run(self) -> None:
        """Write until cancelled; a disk that does not take it is said once, and once when it does again."""
        while True:
            now = dt.datetime.now(dt.UTC)
            try:
                await asyncio.to_thread(write_looks, self._data_dir, self.looks(now), now)
                if self._is_failing:
                    log.info("the status file can be written again")
                self._is_failing = False
            except OSError as error:
                if not self._is_failing:
                    log.warning("the status file for edge doctor can't be written: %s", error)
                self._is_failing = True
            await asyncio.sleep(WRITE_EVERY_S)

    def _look(self, camera: Camera, now: dt.datetime) -> CameraLook:
        name, health = camera.config.name, camera.health()
        known = self._known[name]
        newest, counted = known.newest, known.counted
        if newest is not None and counted is not None and newest[1] > counted[1]:
            known.fps = round((newest[0] - counted[0]) / (newest[1] - counted[1]) * 1e9, 1)
        known.counted = newest
        faces = Counter(outcome for at, outcome in list(known.outcomes) if now - at <= SPAN)
        return CameraLook(
            name, health.state.value, health.detail, known.width, known.height, known.fps, known.luma, known.sharpness,
            dict(faces), "the last hour",
        )  # fmt: skip


def _middle(image: BgrImage) -> BgrImage:
    height, width = image.shape[:2]
    rows, columns = min(height, _PATCH[0]), min(width, _PATCH[1])
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns]
