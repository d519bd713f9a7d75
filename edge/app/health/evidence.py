"""What a camera saw when it stopped seeing its scene, and before: two pictures in which every face is covered.

Pictures of the last minute are kept in memory, encoded; nothing is stored here. Fed by the vision thread, which also
covers the faces, once per change of state.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from edge.capture.pictures.images import decode_image
from edge.config import CameraConfig
from edge.errors import EdgeError
from edge.pipeline.bystanders import Bystanders, Searcher, cover_everybody, everybody_in
from edge.pixels.encode import to_jpeg
from edge.pixels.hashing import file_sha256
from edge.records import CameraHealth, CameraState, Detections, Frame, Track

log = logging.getLogger(__name__)

PICTURED_STATES = frozenset(
    {
        CameraState.COVERED,
        CameraState.DEFOCUSED,
        CameraState.MOVED,
        CameraState.WASHED_OUT,
        CameraState.DARK,
        CameraState.FROZEN,
    }
)
"""States that are told with a picture."""
KEEP_EVERY_S = 10.0
BEFORE_S = 30.0
"""Seconds between the picture before and the change: no fault shows for longer than that until it is said."""
NUM_KEPT = 6
QUALITY = 90


class CameraLike(Protocol):
    """What is asked of a camera."""

    config: CameraConfig

    def health(self) -> CameraHealth: ...


@dataclass(frozen=True, slots=True)
class ScenePictures:
    """Two pictures of one change: SHA-256 by role (`now`, `before`), and the JPEG bytes by SHA-256."""

    names: Mapping[str, str]
    images: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A picture of the scene as it should be, and the faces known in it."""

    mono_ns: int
    jpeg: bytes = field(repr=False)
    faces: Bystanders


class SceneEvidence:
    """`note_frame` belongs to the vision thread, everything else to any."""

    def __init__(self, cameras: Sequence[CameraLike], searcher: Searcher | None) -> None:
        self._cameras = {camera.config.name: camera for camera in cameras}
        self._searcher = searcher
        self._kept: dict[str, deque[_Kept]] = {}
        self._told: dict[str, CameraHealth] = {}
        self._lock = threading.Lock()
        self._made: dict[str, tuple[CameraHealth, ScenePictures | None]] = {}

    def note_frame(self, frame: Frame, detections: Detections, tracks: Sequence[Track]) -> None:
        """Keep a picture now and then while all is well; make the two pictures when it no longer is."""
        health = self._cameras[frame.camera].health()
        kept = self._kept.setdefault(frame.camera, deque(maxlen=NUM_KEPT))
        is_due = not kept or frame.captured_mono_ns - kept[-1].mono_ns >= KEEP_EVERY_S * 1e9
        try:
            if health.state is CameraState.LIVE and is_due:
                faces = everybody_in(detections, tracks)
                kept.append(_Kept(frame.captured_mono_ns, to_jpeg(frame.image, QUALITY), faces))
            elif health.state in PICTURED_STATES and not _is_same(self._told.get(frame.camera), health):
                self._told[frame.camera] = health
                self._put(frame.camera, health, self._pictures(frame, everybody_in(detections, tracks)))
        except EdgeError as error:
            log.warning("no picture of camera %s while it is %s: %s", frame.camera, health.state.value, error)
            self._put(frame.camera, health, None)

    def pictures_of(self, health: CameraHealth) -> ScenePictures | None:
        """The pictures of this state, once they are made."""
        with self._lock:
            found = self._made.get(health.camera)
        return found[1] if found is not None and _is_same(found[0], health) else None

    def forget(self, camera: str) -> None:
        """Drop what is kept of a camera, such as pictures from before a new mask. Called on the vision thread."""
        self._kept.pop(camera, None)
        with self._lock:
            self._made.pop(camera, None)

    def _put(self, camera: str, health: CameraHealth, pictures: ScenePictures | None) -> None:
        with self._lock:
            self._made[camera] = health, pictures

    def _pictures(self, frame: Frame, faces: Bystanders) -> ScenePictures:
        made = {"now": to_jpeg(cover_everybody(frame.image, faces, self._searcher), QUALITY)}
        if (before := self._before(frame)) is not None:
            image = decode_image(before.jpeg, f"the picture of {frame.camera} before the change")
            made["before"] = to_jpeg(cover_everybody(image, before.faces, self._searcher), QUALITY)
        names = {role: file_sha256(data) for role, data in made.items()}
        return ScenePictures(names, {names[role]: data for role, data in made.items()})

    def _before(self, frame: Frame) -> _Kept | None:
        """The newest picture from before the fault began to show; None where all there are may show it themselves."""
        kept = self._kept[frame.camera]
        old = [one for one in kept if frame.captured_mono_ns - one.mono_ns >= BEFORE_S * 1e9]
        return old[-1] if old else None


def _is_same(one: CameraHealth | None, other: CameraHealth) -> bool:
    return one is not None and (one.state, one.since) == (other.state, other.since)
