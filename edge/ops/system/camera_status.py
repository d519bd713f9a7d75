"""status.json: what the running service measured at each camera, for `edge doctor`, which can't open a camera in use.

It holds counts and measurements of pictures, and never a name, a face or an embedding.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from edge import state_file
from edge.arrays import BgrImage
from edge.capture.camera import Camera
from edge.pixels.measures.quality import measure_picture
from edge.records import Frame, Reason

log = logging.getLogger(__name__)

FILE = "status.json"
MAX_AGE = dt.timedelta(seconds=90)
MEASURE_EVERY_S = 10.0
WRITE_EVERY_S = 30.0
SPAN = dt.timedelta(hours=1)
MAX_FACES = 5000
SLOT_S = 300.0
SLOTS = 288
"""Slots of a day: outcomes are counted by slot, so that an hour and a day move on in small steps."""
_MEASURED_AREA_PX = (480, 640)
"""Rows and columns around the middle that are measured: enough to judge focus and light at any frame size."""

_WORDS: Mapping[str, tuple[str, str | None]] = {
    "match": ("recognised", None),
    "usable": ("usable", None),
    "no_match": ("like nobody on the list", None),
    "below_margin": ("between two people on the list", None),
    "cooldown": ("recognised before", None),
    "masked": ("under a privacy mask", None),
    "outside_zones": ("outside the camera's zones", None),
    "expired_entry": ("of an expired entry", None),
    "low_score": ("hardly a face", None),
    "too_small": ("too small", "bring people closer, zoom in, or ask the camera for a larger picture"),
    "blur": ("blurred", "focus the lens; against motion, shorten the exposure and add light"),
    "pose": ("turned away", "mount the camera where people look towards it, near head height"),
    "edge": ("cut by the edge of the picture", "turn the camera so that people are seen whole"),
    "exposure": ("badly lit", "light the faces from the front, and avoid a bright background"),
    "too_few_shots": ("seen too briefly", "let people stay in view longer, or check that frames are not dropped"),
}
_REASON_OF_QUALITY_PART = {
    "sharpness": "blur",
    "luma": "exposure",
    "noise": "exposure",
    "pose": "pose",
    "size": "too_small",
}


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """One camera: its state, rate, light (mean luma 0..1) and sharpness, and outcomes of faces over `span`."""

    name: str
    state: str
    detail: str
    width: int
    height: int
    fps: float
    luma: float
    sharpness: float
    faces: Mapping[str, int]
    span: str
    comparison: str = ""
    """With what faces are compared over weeks; empty where no service says it."""


@dataclass(frozen=True, slots=True)
class _Status:
    """The file."""

    at: str
    cameras: list[CameraStatus]


def describe_outcome(outcome: str) -> tuple[str, str | None]:
    """Return an outcome in words, and how an installer improves it; None if the face was usable."""
    if outcome.startswith("part_"):
        outcome = _REASON_OF_QUALITY_PART.get(outcome.removeprefix("part_"), "blur")
    return _WORDS.get(outcome, (outcome.replace("_", " "), None))


def write_status(data_dir: Path, cameras: Sequence[CameraStatus], now: dt.datetime) -> None:
    """Replace the file; OSError where the disk does not take it."""
    path = data_dir / FILE
    part = path.with_suffix(".part")
    body = {"at": now.isoformat(), "cameras": [asdict(camera) for camera in cameras]}
    part.write_text(json.dumps(body), "utf-8")
    part.replace(path)


def read_status(data_dir: Path, now: dt.datetime) -> list[CameraStatus] | None:
    """Read the file of a running service; None if there is none, or it is too old."""
    try:
        body = state_file.read(data_dir / FILE, _Status)
        at = dt.datetime.fromisoformat(body.at)
        if not dt.timedelta(0) <= now - at + dt.timedelta(seconds=5) <= MAX_AGE:
            return None
        return body.cameras
    except (OSError, ValueError, TypeError):
        return None


@dataclass(slots=True)
class _Measurements:
    """The measurements of one camera."""

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
    slots: deque[tuple[int, Counter[str]]] = field(default_factory=lambda: deque(maxlen=SLOTS + 1))
    """(number of the slot, outcomes of faces in it), oldest first."""


class CameraStatusCollector:
    """Fed by the vision thread, written by an asyncio task. It holds plain numbers, whose assignment needs no lock."""

    def __init__(self, cameras: Sequence[Camera], data_dir: Path) -> None:
        self._cameras = cameras
        self._data_dir = data_dir
        self._known = {camera.config.name: _Measurements() for camera in cameras}
        self._is_failing = False
        self.comparisons: Callable[[], Mapping[str, str]] = dict
        """By camera, with what its faces are compared over weeks."""

    def note_frame(self, frame: Frame) -> None:
        """Count a processed frame; now and then measure its light and focus."""
        known = self._known[frame.camera]
        known.newest = (frame.frame_id, frame.captured_mono_ns)
        if frame.captured_mono_ns - known.measured_ns < MEASURE_EVERY_S * 1e9 and known.measured_ns:
            return
        known.measured_ns = frame.captured_mono_ns
        known.height, known.width = frame.pixels.shape[:2]
        quality = measure_picture(_middle(frame.image))
        known.luma, known.sharpness = round(quality.luma, 3), round(quality.sharpness, 3)

    def note_track_end(self, camera: str, reason: Reason | None) -> None:
        """Count a track that ended with a match, or the reason why it did not."""
        outcome = reason.value if reason else "match"
        known = self._known[camera]
        known.outcomes.append((dt.datetime.now(dt.UTC), outcome))
        slot = int(time.monotonic() // SLOT_S)
        if not known.slots or known.slots[-1][0] != slot:
            known.slots.append((slot, Counter()))
        known.slots[-1][1][outcome] += 1

    def faces(self) -> dict[str, dict[str, dict[str, int]]]:
        """By camera: how often a face ended in each outcome, in the last hour and the last day this service ran."""
        slot = int(time.monotonic() // SLOT_S)
        spans = {"hour": int(3600 / SLOT_S), "day": SLOTS}
        return {
            camera: {
                span: dict(sum((counts.copy() for at, counts in list(known.slots) if slot - at < length), Counter()))
                for span, length in spans.items()
            }
            for camera, known in self._known.items()
        }

    def snapshot(self, now: dt.datetime) -> list[CameraStatus]:
        """The status of each camera, as of `now`."""
        compared = self.comparisons()
        return [self._status_of(camera, now, compared) for camera in self._cameras]

    async def run(self) -> None:
        """Write every 30 s until cancelled. Logs a failing disk once when it starts and once when it ends."""
        while True:
            now = dt.datetime.now(dt.UTC)
            try:
                await asyncio.to_thread(write_status, self._data_dir, self.snapshot(now), now)
                if self._is_failing:
                    log.info("the status file can be written again")
                self._is_failing = False
            except OSError as error:
                if not self._is_failing:
                    log.warning("the status file for edge doctor can't be written: %s", error)
                self._is_failing = True
            await asyncio.sleep(WRITE_EVERY_S)

    def _status_of(self, camera: Camera, now: dt.datetime, compared: Mapping[str, str]) -> CameraStatus:
        name, health = camera.config.name, camera.health()
        known = self._known[name]
        newest, counted = known.newest, known.counted
        if newest is not None and counted is not None and newest[1] > counted[1]:
            known.fps = round((newest[0] - counted[0]) / (newest[1] - counted[1]) * 1e9, 1)
        known.counted = newest
        faces = Counter(outcome for at, outcome in list(known.outcomes) if now - at <= SPAN)
        return CameraStatus(
            name, health.state.value, health.detail, known.width, known.height, known.fps, known.luma, known.sharpness,
            dict(faces), "the last hour", compared.get(name, ""),
        )  # fmt: skip


def _middle(image: BgrImage) -> BgrImage:
    height, width = image.shape[:2]
    rows, columns = min(height, _MEASURED_AREA_PX[0]), min(width, _MEASURED_AREA_PX[1])
    top, left = (height - rows) // 2, (width - columns) // 2
    return image[top : top + rows, left : left + columns]
