"""The one vision thread: always the newest frame, through all stages, hits to the store, the picture to the board."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from edge.app.health.lookout import Lookout
from edge.capture.camera import Camera
from edge.errors import ConflictError, EdgeError, NotFoundError, StoreError
from edge.ops.system.metrics import Metrics
from edge.pipeline import FrameResult, HitDraft, Pipeline, TrackEnd
from edge.pixels.encode import to_jpeg
from edge.records import CameraState, Detections, FeedItem, Frame, LiveView
from edge.serve.board import LiveBoard
from edge.store import Store

log = logging.getLogger(__name__)

MAX_WAITING_HITS = 512
"""Hits kept in memory while the store can't take them; beyond it the oldest update, never a new alert, is let go."""
RETRY_EVERY_S = 1.0
IDLE_PICTURE_EVERY_S = 1.0
"""Seconds between two live pictures while nobody looks."""


class HitWriter:
    """Hands drafts to the store and keeps those it could not take until it can."""

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._waiting: deque[HitDraft] = deque()
        self._lock = threading.Lock()
        self._next_try = 0.0
        self.problem: str | None = None

    @property
    def num_waiting(self) -> int:
        """Drafts the store has refused and not yet taken."""
        return len(self._waiting)

    def submit(self, draft: HitDraft) -> None:
        """Queue one draft for the store; returns at once."""
        with self._lock:
            blocked = bool(self._waiting)
        if blocked:
            # Order matters to those who pull: an update must not overtake the alert it belongs to.
            self._keep(draft)
        else:
            self._send(draft)

    def retry(self) -> None:
        """Offer the oldest waiting draft again, now and then; called once per turn of the vision thread."""
        with self._lock:
            if not self._waiting or time.monotonic() < self._next_try:
                return
            draft = self._waiting.popleft()
            self._next_try = time.monotonic() + RETRY_EVERY_S
        self._send(draft, again=True)

    def _send(self, draft: HitDraft, *, again: bool = False) -> None:
        put = self._store.add_hit if draft.is_new else self._store.update_hit
        future = put(draft.hit, draft.images)
        future.add_done_callback(lambda done: self._done(done, draft, again))

    def _done(self, future: Future[FeedItem], draft: HitDraft, again: bool) -> None:
        error = future.exception()
        if error is None:
            if draft.is_new:
                self._metrics.hits.labels(draft.hit.camera).inc()
            if self.problem and not self._waiting:
                log.info("the store takes hits again")
                self.problem = None
            with self._lock:
                self._next_try = 0.0
            return
        if not isinstance(error, StoreError) or isinstance(error, NotFoundError | ConflictError):
            # Such as a person erased meanwhile: it would fail again for ever, and hold up every later hit.
            log.error("a hit was refused by the store and is dropped: %s", error)
            return
        if self.problem is None:
            log.error("a hit could not be stored and is kept in memory: %s", error)
        self.problem = str(error)
        self._keep(draft, first=again)

    def _keep(self, draft: HitDraft, *, first: bool = False) -> None:
        with self._lock:
            if first:
                self._waiting.appendleft(draft)
            else:
                self._waiting.append(draft)
            while len(self._waiting) > MAX_WAITING_HITS:
                oldest_update = next((d for d in self._waiting if not d.is_new), None)
                self._waiting.remove(oldest_update) if oldest_update else self._waiting.popleft()


class Vision:
    """Takes frames in turn from all cameras. One thread calls `run`; everything else reads."""

    def __init__(
        self,
        pipeline: Pipeline,
        cameras: Sequence[Camera],
        board: LiveBoard,
        writer: HitWriter,
        metrics: Metrics,
        lookout: Lookout | None = None,
    ) -> None:
        self.pipeline = pipeline
        self._lookout = lookout
        self.writer = writer
        self.frames_done = 0
        self.turns = 0
        self.paused = False
        self.observer: Callable[[Frame, FrameResult], None] | None = None
        """Shown every frame after live work is done with it, on this thread; such as an acceptance walk."""
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
        """Work until stopped. A defect in a stage ends the thread, and with it the service: it is never passed over."""
        wait_s = 0.1 / max(len(self._cameras), 1)
        while not self._stop.is_set():
            for camera in self._cameras:
                frame = camera.newest(timeout_s=wait_s)
                if frame is not None:
                    self._finished.discard(camera.config.name)
                    self._one(frame)
                elif camera.health().state is CameraState.ENDED and camera.config.name not in self._finished:
                    self._finished.add(camera.config.name)
                    self._note_ends(self.pipeline.finish(camera.config.name))
            self.writer.retry()
            self.turns += 1
            if not self._cameras:
                self._stop.wait(0.1)

    def _one(self, frame: Frame) -> None:
        started = time.perf_counter()
        result = self._rest(frame) if self.paused else self.pipeline.process(frame)
        for draft in result.drafts:
            self.writer.submit(draft)
        self._note_ends(result.ended)
        self._show(frame, result)
        if self._lookout is not None:
            self._lookout.see(frame)
        if (observer := self.observer) is not None:
            observer(frame, result)
        self.frames_done += 1
        self._metrics.frames.labels(frame.camera).inc()
        self._metrics.faces.labels(frame.camera).inc(len(result.faces))
        self._metrics.frame_seconds.labels(frame.camera).observe(time.perf_counter() - started)

    def _rest(self, frame: Frame) -> FrameResult:
        """The frame while recognition is paused: shown, but nobody is looked for in it."""
        return FrameResult(Detections.empty(), (), (), (), self.pipeline.finish(frame.camera))

    def _note_ends(self, ends: Sequence[TrackEnd]) -> None:
        for end in ends:
            for draft in end.drafts:
                self.writer.submit(draft)
            self._metrics.note_track_end(end.camera, end.reason)
            if self._lookout is not None:
                self._lookout.note(end)

    def _show(self, frame: Frame, result: FrameResult) -> None:
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
