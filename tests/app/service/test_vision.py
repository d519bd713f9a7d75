"""Live pictures of the vision thread: lightened for who asks, as they are while the box is behind; areas in force."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.app.service import vision as module
from edge.app.service.vision import VisionThread
from edge.capture.pictures.images import decode_image
from edge.config import CameraConfig, MaskConfig
from edge.ops.system.metrics import Metrics
from edge.pipeline import FrameResult
from edge.pixels.encode import to_jpeg
from edge.records import CameraHealth, CameraState, Detections, Frame, LiveView
from edge.serve.board import LiveBoard

AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
DOOR = CameraConfig(name="door", source="file:none.mp4")
NOTHING = FrameResult(Detections.empty(), (), (), (), ())


class Door:
    """A camera that gives what the test puts into it."""

    def __init__(self, name: str = "door") -> None:
        self.config = DOOR.model_copy(update={"name": name})
        self.frames: list[Frame] = []
        self.state = CameraState.LIVE
        self.changed: list[CameraConfig] = []

    def borrow(self, timeout_s: float) -> Frame | None:
        return self.frames.pop(0) if self.frames else None

    def health(self) -> CameraHealth:
        return CameraHealth(self.config.name, self.state, AT, "", 1, 0)

    def change(self, config: CameraConfig) -> None:
        self.config = config
        self.changed.append(config)


class Line:
    """A pipeline that finds nobody and remembers what it was told."""

    def __init__(self) -> None:
        self.seen: list[np.ndarray] = []
        self.areas: list[CameraConfig] = []
        self.finished: list[str] = []

    def process(self, frame: Frame, *, must_search: bool = False) -> FrameResult:
        self.seen.append(frame.image)
        return NOTHING

    def take_areas(self, camera: CameraConfig) -> tuple[Any, ...]:
        self.areas.append(camera)
        return ()

    def finish(self, camera: str) -> tuple[Any, ...]:
        self.finished.append(camera)
        return ()


class Board(LiveBoard):
    """A board that tells which lightened picture it was given last."""

    lit: LiveView | None = None

    def publish_lit(self, view: LiveView) -> None:
        self.lit = view
        super().publish_lit(view)


def thread_of(cameras: Any, board: LiveBoard) -> VisionThread:
    outbox: Any = SimpleNamespace(add_hit=lambda draft: None, retry=lambda: None)
    line: Any = Line()
    thread = VisionThread(line, cameras, board, outbox, Metrics())
    thread._can_lighten = True
    return thread


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def seeing(door: Door, board: Board, monkeypatch: pytest.MonkeyPatch) -> VisionThread:
    monkeypatch.setattr(module, "LIT_PICTURE_EVERY_S", 0.0)
    return thread_of([door], board)


def ask(board: Board, *, is_lit: bool = False) -> LiveView | None:
    """What somebody gets who looks at the camera now, and for the next frames is a viewer of it."""
    return asyncio.run(board.wait_newer("door", None, 0.0, is_lit=is_lit))


def dark(number: int) -> Frame:
    return Frame(number, "door", AT, time.monotonic_ns(), np.full((120, 160, 3), 15, np.uint8))


def brightness(view: LiveView | None) -> float:
    assert view is not None
    return float(decode_image(view.make_jpeg(), "live").mean())


def test_only_who_asks_gets_a_lightened_view_and_nothing_else_sees_it(seeing: VisionThread, board: Board) -> None:
    seeing.process_frame(dark(1))
    assert board.lit is None
    ask(board, is_lit=True)
    seeing.process_frame(dark(2))
    assert board.lit is not None
    assert (board.lit.frame_id, board.lit.is_lit) == (2, True)
    assert brightness(board.lit) > 40
    assert brightness(board.newest("door")) < 20, "the plain picture stays as it is"
    line: Any = seeing.pipeline
    assert [float(image.mean()) for image in line.seen] == [15, 15], "what is analysed was not lightened"


def test_a_picture_that_nobody_asked_for_is_encoded_once_somebody_does(
    seeing: VisionThread, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    monkeypatch.setattr(module, "to_jpeg", lambda image, quality: encoded.append(quality) or to_jpeg(image, quality))
    seeing.process_frame(dark(1))
    view = board.newest("door")
    assert view is not None
    assert (view.frame_id, encoded) == (1, [])
    assert view.make_jpeg() == view.make_jpeg() == to_jpeg(dark(1).image, module.LIVE_QUALITY)
    assert len(encoded) == 1
    assert ask(board) is view
    seeing.process_frame(dark(2))
    assert len(encoded) == 2, "for those who look it is ready before they get it"


def test_a_box_that_is_behind_gives_the_picture_as_it_is(seeing: VisionThread, board: Board) -> None:
    ask(board, is_lit=True)
    seeing.may_lighten = False
    seeing.process_frame(dark(1))
    assert board.lit is not None
    assert not board.lit.is_lit
    assert brightness(board.lit) < 20
    seeing.may_lighten = True
    seeing.process_frame(dark(2))
    assert brightness(board.lit) > 40


def test_lightened_pictures_come_ten_times_a_second_at_most(
    seeing: VisionThread, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIT_PICTURE_EVERY_S", 0.1)
    monkeypatch.setattr(board, "has_lit_viewers", lambda camera: True)
    numbers = []
    for number in range(60):
        seeing.process_frame(replace(dark(number), captured_mono_ns=round((100 + number / 30) * 1e9)))
        numbers.append(board.lit.frame_id if board.lit else None)
    assert len(set(numbers)) == 20, "of two seconds of 30 frames"


def test_many_cameras_on_one_page_share_the_pictures_that_are_made(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, made = 1000.0, {"plain": 0, "lit": 0}
    monkeypatch.setattr(module, "LIT_PICTURE_EVERY_S", 0.1)
    monkeypatch.setattr(module, "_live_view", lambda frame, *rest, is_lit=False: SimpleNamespace(camera=frame.camera))
    monkeypatch.setattr(module, "lighten_frame", lambda image: image)
    for which in ("has_viewers", "has_lit_viewers"):
        monkeypatch.setattr(board, which, lambda camera: camera in watched)
    for kind, name in (("plain", "publish"), ("lit", "publish_lit")):
        monkeypatch.setattr(
            board, name, lambda view, kind=kind: made.update({kind: made[kind] + (view.camera in watched)})
        )
    names = [f"c{number}" for number in range(16)]
    seeing = thread_of([SimpleNamespace(config=DOOR.model_copy(update={"name": name})) for name in names], board)
    frames, found = [replace(dark(1), camera=name) for name in names], {}
    for num in (1, 2, 4, 16):
        watched, made["plain"], made["lit"] = set(names[:num]), 0, 0
        for _ in range(240):
            for frame in frames:
                seeing.process_frame(replace(frame, captured_mono_ns=round(now_s * 1e9)))
            now_s += 1 / 30
        now_s += 2.0
        found[num] = made["plain"] / num / 8, made["lit"] / num / 8
    assert found[1] == pytest.approx((30, 10), abs=0.5), "one alone is shown at its own rate"
    assert found[2] == pytest.approx((30, 10), abs=0.5)
    assert found[4] == pytest.approx((15, 5), abs=0.7)
    assert found[16] == pytest.approx((3.75, 1.25), abs=0.4)


class OneOfMany(Door):
    """A camera of many: it gives `frames`, and notes how long it was waited for."""

    def __init__(self, name: str, num_frames: int, turns: list[str]) -> None:
        super().__init__(name)
        self.left, self.turns, self.waits = num_frames, turns, set[float]()
        self.event_fd = None

    def borrow(self, timeout_s: float) -> Frame | None:
        self.waits.add(timeout_s)
        if not self.left:
            return None
        self.left -= 1
        self.turns.append(self.config.name)
        return replace(dark(self.left), camera=self.config.name)


def test_cameras_have_turns_and_none_is_waited_for_while_another_has_a_frame(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []
    cameras: Any = [OneOfMany("lost", 0, turns), OneOfMany("a", 5, turns), OneOfMany("b", 5, turns)]
    seeing = thread_of(cameras, board)

    def wait(given: Any, timeout_s: float) -> None:
        assert given is cameras
        assert [camera.left for camera in cameras] == [0, 0, 0], "a frame lay there meanwhile"
        seeing.stop()

    monkeypatch.setattr(module, "wait_for_any", wait)
    seeing.run()
    assert turns == ["a", "b"] * 5
    assert [camera.waits for camera in cameras] == [{0.0}] * 3


def test_new_masks_drop_all_pictures_from_before_and_start_the_camera_anew(
    seeing: VisionThread, door: Door, board: Board
) -> None:
    forgotten: list[str] = []
    evidence: Any = SimpleNamespace(forget=forgotten.append, note_frame=lambda *given: None)
    seeing.evidence = evidence
    ask(board, is_lit=True)
    seeing.process_frame(dark(1))
    assert ask(board, is_lit=True) is not None
    masked = DOOR.model_copy(update={"masks": (MaskConfig(x=0, y=0, width=0.5, height=1),)})
    seeing.take_areas(masked)
    assert board.newest("door") is not None, "not before the vision thread is between two frames"
    seeing.take_turns()
    line: Any = seeing.pipeline
    assert (line.areas, door.changed, forgotten) == ([masked], [masked], ["door"])
    assert board.newest("door") is None
    assert ask(board, is_lit=True) is None


def test_hits_that_are_gone_end_their_visits_between_two_frames(seeing: VisionThread) -> None:
    ended: list[Any] = []
    line: Any = seeing.pipeline
    line.end_visit = ended.append
    hit: Any = SimpleNamespace()
    seeing.note_gone(hit)
    assert not ended
    seeing.take_turns()
    seeing.take_turns()
    assert ended == [hit]


def test_new_zones_alone_leave_the_camera_alone(seeing: VisionThread, door: Door, board: Board) -> None:
    zone = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    seeing.process_frame(dark(1))
    seeing.take_areas(DOOR.model_copy(update={"include_zones": (zone,)}))
    seeing.take_turns()
    line: Any = seeing.pipeline
    assert [camera.include_zones for camera in line.areas] == [(zone,)]
    assert door.changed == []
    assert board.newest("door") is not None


@pytest.mark.parametrize("state", [CameraState.ENDED, CameraState.STALLED, CameraState.LOST])
def test_who_was_before_a_camera_that_is_gone_has_the_last_answer(
    seeing: VisionThread, door: Door, state: CameraState
) -> None:
    """Not when it comes back, hours later: an alert would be late by as much."""
    line: Any = seeing.pipeline
    door.frames, told = [dark(1)], []
    for door.state in (CameraState.LIVE, CameraState.LIVE, state, state):
        seeing.take_turns()
        told.append(list(line.finished))
    assert told == [[], [], ["door"], ["door"]], "once, not before it is gone"


def test_who_is_in_view_has_the_last_answer_at_the_stop(seeing: VisionThread) -> None:
    hits: list[Any] = []
    line: Any = seeing.pipeline
    outbox: Any = seeing.outbox
    outbox.add_hit = hits.append
    line.finish = lambda camera: (SimpleNamespace(drafts=("late",), camera=camera, reason=None, quality=None),)
    seeing.stop()
    seeing.run()
    assert hits == ["late"]
