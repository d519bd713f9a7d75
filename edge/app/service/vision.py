"""The vision thread: runs the newest frame through all stages, sends hits to the store and pictures to the board."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from edge.app.health.drift import FaceDrift
from edge.app.health.evidence import SceneEvidence
from edge.app.service.outbox import Outbox
from edge.arrays import BgrImage
from edge.capture.camera import Camera, wait_for_any
from edge.config import CameraConfig
from edge.errors import AnswerError, EdgeError
from edge.ops.system.camera_status import CameraStatusCollector
from edge.ops.system.metrics import Metrics
from edge.pipeline import FrameResult, Pipeline, TrackEnd
from edge.pixels.encode import to_jpeg
from edge.pixels.light import lightened
from edge.pixels.light.lightened import lighten_frame
from edge.records import CameraState, Detections, Frame, Hit, LiveView
from edge.serve.board import LiveBoard

log = logging.getLogger(__name__)

IDLE_WAIT_S = 0.1
"""Seconds after which the thread looks round though no camera has sent anything."""
PICTURES_PER_S, LIT_PICTURES_PER_S = 60.0, 20.0
"""Live and lightened pictures made a second for all cameras together: sixteen on one page must not cost two cores."""
LIT_PICTURE_EVERY_S = 0.1
"""Seconds between two lightened pictures, on the mean."""
LENIENCE = 0.1
"""Share of that time by which a frame may be early: frames don't come evenly."""
LIVE_QUALITY = 80
"""JPEG quality of live pictures."""
IDLE_PICTURE_EVERY_S = 1.0
"""Seconds between two live pictures while nobody looks."""
_OVER_STATES = frozenset({CameraState.ENDED, CameraState.STALLED, CameraState.LOST})
"""States in which no frame comes for a while: who was before the camera has the last answer now, and who stands there
afterwards is another track."""


class RateLimit:
    """When the next picture of a camera is due, so that the mean rate is kept whatever rate frames come at."""

    def __init__(self) -> None:
        self._due_s = float("-inf")

    def take(self, now_s: float, every_s: float) -> bool:
        """Whether a picture is due at `now_s` with one each `every_s`; if so, it counts as made. Seconds.

        After a frame that comes late the next is due sooner, but after a break as if nothing had been before.
        """
        if now_s < self._due_s - LENIENCE * every_s:
            return False
        self._due_s = (self._due_s if self._due_s + every_s > now_s else now_s) + every_s
        return True


class VisionThread:
    """Takes frames in turn from all cameras. One thread calls `run`; everything else reads."""

    def __init__(
        self,
        pipeline: Pipeline,
        cameras: Sequence[Camera],
        board: LiveBoard,
        outbox: Outbox,
        metrics: Metrics,
        camera_status: CameraStatusCollector | None = None,
    ) -> None:
        self.pipeline = pipeline
        self._camera_status = camera_status
        self.outbox = outbox
        self.frames_done = 0
        self.turns = 0
        self.paused = False
        self.may_lighten = True
        """Whether live pictures are lightened for those who ask; else they get them as they are."""
        self.is_scheduled: Callable[[Frame], bool] = lambda frame: True
        """Whether faces are looked for in a frame, by the hours set for its camera."""
        self.drift: FaceDrift | None = None
        self.evidence: SceneEvidence | None = None
        self.observer: Callable[[Frame, FrameResult], None] | None = None
        """Called on the vision thread with every processed frame; the acceptance walk measures through it."""
        self._cameras = cameras
        self._board = board
        self._metrics = metrics
        self._stop = threading.Event()
        self._last_picture: dict[str, float] = {}
        self._lit_rate: defaultdict[str, RateLimit] = defaultdict(RateLimit)
        self._live_rate: defaultdict[str, RateLimit] = defaultdict(RateLimit)
        self._can_lighten = False
        self._preparing: threading.Thread | None = None
        self._finished: set[str] = set()
        self._changes: deque[CameraConfig] = deque()
        self._gone: deque[Hit] = deque()

    def take_areas(self, camera: CameraConfig) -> None:
        """Put zones and masks of a camera in force, before its next frame. Any thread may call."""
        self._changes.append(camera)

    def note_gone(self, hit: Hit) -> None:
        """The store has this hit no more: whoever is still there gets a new one. Any thread may call."""
        self._gone.append(hit)

    def stop(self) -> None:
        """Ask `run` to return after the frame at hand."""
        self._stop.set()

    def run(self) -> None:
        """Process frames until stopped, then end all tracks. An exception in a stage ends the service, on purpose."""
        while not self._stop.is_set():
            if not self.take_turns():
                wait_for_any(self._cameras, IDLE_WAIT_S)
        for camera in self._cameras:
            self._note_ends(self.pipeline.finish(camera.config.name))

    def take_turns(self) -> bool:
        """Process the newest frame of each camera, and say whether there was any."""
        self._take_changes()
        taken = [self._take_turn(camera) for camera in self._cameras]
        self.outbox.retry()
        self.turns += 1
        return any(taken)

    def _take_turn(self, camera: Camera) -> bool:
        """Process the camera's newest frame, if there is one that was not yet."""
        frame = camera.borrow(timeout_s=0.0)
        if frame is not None:
            self._finished.discard(camera.config.name)
            self.process_frame(frame)
        elif camera.health().state in _OVER_STATES and camera.config.name not in self._finished:
            self._finished.add(camera.config.name)
            self._note_ends(self.pipeline.finish(camera.config.name))
        return frame is not None

    def _prepare_view(self) -> None:
        """Load what lightens pictures, or compile it, once somebody asks for them; until then they are as they are."""
        if self._preparing is None:

            def load() -> None:
                lightened.warm_up()
                self._can_lighten = True

            self._preparing = threading.Thread(target=load, name="prepare-view", daemon=True)
            self._preparing.start()

    def _take_changes(self) -> None:
        """Between two frames: end what was tracked, drop pictures with pixels that are masked now, capture anew."""
        while self._gone:
            self.pipeline.end_visit(self._gone.popleft())
        while self._changes:
            config = self._changes.popleft()
            self._note_ends(self.pipeline.take_areas(config))
            for camera in self._cameras:
                if camera.config.name != config.name or _masks(camera.config) == _masks(config):
                    continue
                camera.change(config)
                self._board.forget(config.name)
                if self.evidence is not None:
                    self.evidence.forget(config.name)

    def process_frame(self, frame: Frame) -> None:
        """Take one frame through all stages; its hits go to the outbox, its picture to the board."""
        started, observer = time.perf_counter(), self.observer
        result = self._result(frame, must_search=observer is not None)
        for draft in result.drafts:
            self.outbox.add_hit(draft)
        self._note_ends(result.ended)
        self._publish_picture(frame, result)
        if self._camera_status is not None:
            self._camera_status.note_frame(frame)
        if self.evidence is not None:
            self.evidence.note_frame(frame, result.detections, result.tracks)
        if observer is not None:
            with contextlib.suppress(AnswerError):  # the walk measures one face less
                observer(frame, result)
        self.frames_done += 1
        seconds = time.perf_counter() - started
        self._metrics.note_frame(frame.camera, seconds, is_searched=result.is_searched, num_faces=len(result.faces))

    def _result(self, frame: Frame, *, must_search: bool) -> FrameResult:
        """The result of a frame; paused or outside the camera's hours it is shown live, but not searched for faces."""
        if not self.paused and self.is_scheduled(frame):
            return self.pipeline.process(frame, must_search=must_search)
        return FrameResult(Detections.empty(), (), (), (), self.pipeline.finish(frame.camera), is_searched=False)

    def _note_ends(self, ends: Sequence[TrackEnd]) -> None:
        for end in ends:
            for draft in end.drafts:
                self.outbox.add_hit(draft)
            self._metrics.note_track_end(end.camera, end.reason)
            if self.drift is not None and end.quality is not None:
                self.drift.note_face(end.camera, end.quality)
            if self._camera_status is not None:
                self._camera_status.note_track_end(end.camera, end.reason)

    def _publish_picture(self, frame: Frame, result: FrameResult) -> None:
        now, camera, board = frame.captured_mono_ns / 1e9, frame.camera, self._board
        is_idle_due = now - self._last_picture.get(camera, float("-inf")) >= IDLE_PICTURE_EVERY_S
        is_due = board.has_viewers(camera) and self._live_rate[camera].take(
            now, self._share_s(board.has_viewers, PICTURES_PER_S)
        )
        lit_every_s = max(LIT_PICTURE_EVERY_S, self._share_s(board.has_lit_viewers, LIT_PICTURES_PER_S))
        is_lit_due = board.has_lit_viewers(camera) and self._lit_rate[camera].take(now, lit_every_s)
        try:
            if is_due or is_idle_due:
                self._last_picture[camera] = now
                make_jpeg = _encoded(frame.image) if is_due else _encoded_late(frame)
                self._board.publish(_live_view(frame, make_jpeg, result))
            if is_lit_due:
                self._prepare_view()
                is_lit = self.may_lighten and self._can_lighten
                image = lighten_frame(frame.image) if is_lit else frame.image
                self._board.publish_lit(_live_view(frame, _encoded(image), result, is_lit=is_lit))
        except EdgeError as error:
            log.warning("no live picture of %s: %s", camera, error)

    def _share_s(self, is_watched: Callable[[str], bool], per_s: float) -> float:
        """Seconds between two pictures of a camera where all that are watched share a rate; 0 for one alone."""
        watched = sum(is_watched(camera.config.name) for camera in self._cameras)
        return watched / per_s if watched > 1 else 0.0


def _live_view(frame: Frame, make_jpeg: Callable[[], bytes], result: FrameResult, *, is_lit: bool = False) -> LiveView:
    """What the live page gets of a frame: `make_jpeg` gives what shows it."""
    height, width = frame.pixels.shape[:2]
    times = frame.captured_at, frame.captured_mono_ns
    return LiveView(frame.camera, frame.frame_id, *times, width, height, make_jpeg, result.faces, is_lit)


def _encoded(image: BgrImage) -> Callable[[], bytes]:
    """For those who look: encoded here, so that the web side never waits for it."""
    jpeg = to_jpeg(image, LIVE_QUALITY)
    return lambda: jpeg


def _encoded_late(frame: Frame) -> Callable[[], bytes]:
    """For whoever may look: encoding costs thirty times what keeping the picture does."""
    kept = frame.keep()
    return functools.cache(lambda: to_jpeg(kept.image, LIVE_QUALITY))


def _masks(camera: CameraConfig) -> tuple[object, ...]:
    return camera.masks, camera.mask_polygons
