"""The vision thread: runs the newest frame through all stages, sends hits to the store and pictures to the board."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from edge.app.health.drift import FaceDrift
from edge.app.health.evidence import SceneEvidence
from edge.app.service.outbox import Outbox
from edge.capture.camera import Camera
from edge.errors import EdgeError
from edge.ops.system.camera_status import CameraStatusCollector
from edge.ops.system.metrics import Metrics
from edge.pipeline import FrameResult, Pipeline, TrackEnd
from edge.pixels.encode import to_jpeg
from edge.records import CameraState, Detections, Frame, LiveView
from edge.serve.board import LiveBoard

log = logging.getLogger(__name__)

IDLE_PICTURE_EVERY_S = 1.0
"""Seconds between two live pictures while nobody looks."""


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
        self._finished: set[str] = set()

    def stop(self) -> None:
        """Ask `run` to return after the frame at hand."""
        self._stop.set()

    def run(self) -> None:
        """Process frames until stopped. An exception in a stage ends the thread and the service, on purpose."""
        wait_s = 0.1 / max(len(self._cameras), 1)
        while not self._stop.is_set():
            for camera in self._cameras:
                frame = camera.newest(timeout_s=wait_s)
                if frame is not None:
                    self._finished.discard(camera.config.name)
                    self._process_frame(frame)
                elif camera.health().state is CameraState.ENDED and camera.config.name not in self._finished:
                    self._finished.add(camera.config.name)
                    self._note_ends(self.pipeline.finish(camera.config.name))
            self.outbox.retry()
            self.turns += 1
            if not self._cameras:
                self._stop.wait(0.1)

    def _process_frame(self, frame: Frame) -> None:
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
            observer(frame, result)
        self.frames_done += 1
        self._metrics.frames.labels(frame.camera).inc()
        self._metrics.searched.labels(frame.camera).inc(result.is_searched)
        self._metrics.faces.labels(frame.camera).inc(len(result.faces))
        self._metrics.frame_seconds.labels(frame.camera).observe(time.perf_counter() - started)

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
        now = time.monotonic()
        waited = now - self._last_picture.get(frame.camera, float("-inf"))
        if waited < IDLE_PICTURE_EVERY_S and not self._board.has_viewers(frame.camera):
            return
        try:
            jpeg = to_jpeg(frame.image, 80)
        except EdgeError as error:
            log.warning("no live picture of %s: %s", frame.camera, error)
            return
        self._last_picture[frame.camera] = now
        height, width = frame.image.shape[:2]
        self._board.publish(
            LiveView(
                frame.camera,
                frame.frame_id,
                frame.captured_at,
                frame.captured_mono_ns,
                width,
                height,
                jpeg,
                result.faces,
            )
        )
