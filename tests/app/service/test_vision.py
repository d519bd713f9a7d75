"""Live pictures of the vision thread: lightened for who asks, as they are while the box is behind; areas in force."""

from __future__ import annotations

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

    def __init__(self) -> None:
        self.config = DOOR
        self.changed: list[CameraConfig] = []

    def health(self) -> CameraHealth:
        return CameraHealth("door", CameraState.LIVE, AT, "", 1, 0)

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


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def seeing(door: Door, monkeypatch: pytest.MonkeyPatch) -> VisionThread:
    monkeypatch.setattr(module, "LIT_PICTURE_EVERY_S", 0.0)
    outbox: Any = SimpleNamespace(add_hit=lambda draft: None, retry=lambda: None)
    line: Any = Line()
    cameras: Any = [door]
    thread = VisionThread(line, cameras, LiveBoard(), outbox, Metrics())
    thread._can_lighten = True
    return thread


def dark(number: int) -> Frame:
    return Frame(number, "door", AT, time.monotonic_ns(), np.full((120, 160, 3), 15, np.uint8))


def brightness(view: LiveView | None) -> float:
    assert view is not None
    return float(decode_image(view.make_jpeg(), "live").mean())


def lit(thread: VisionThread) -> LiveView | None:
    return thread._board._lit.get("door")


def test_only_who_asks_gets_a_lightened_view_and_nothing_else_sees_it(seeing: VisionThread) -> None:
    seeing._process_frame(dark(1))
    assert lit(seeing) is None
    seeing._board._lit_asked_at["door"] = time.monotonic()
    seeing._process_frame(dark(2))
    view = lit(seeing)
    assert view is not None
    assert (view.frame_id, view.is_lit) == (2, True)
    assert brightness(view) > 40
    assert brightness(seeing._board.newest("door")) < 20, "the plain picture stays as it is"
    line: Any = seeing.pipeline
    assert [float(image.mean()) for image in line.seen] == [15, 15], "what is analysed was not lightened"


def test_a_picture_that_nobody_asked_for_is_encoded_once_somebody_does(
    seeing: VisionThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    monkeypatch.setattr(module, "to_jpeg", lambda image, quality: encoded.append(quality) or to_jpeg(image, quality))
    seeing._process_frame(dark(1))
    view = seeing._board.newest("door")
    assert view is not None
    assert (view.frame_id, encoded) == (1, [])
    assert view.make_jpeg() == view.make_jpeg() == to_jpeg(dark(1).image, module.LIVE_QUALITY)
    assert len(encoded) == 1
    seeing._board._asked_at["door"] = time.monotonic()
    seeing._process_frame(dark(2))
    assert len(encoded) == 2, "for those who look it is ready before they get it"


def test_a_box_that_is_behind_gives_the_picture_as_it_is(seeing: VisionThread) -> None:
    seeing._board._lit_asked_at["door"] = time.monotonic()
    seeing.may_lighten = False
    seeing._process_frame(dark(1))
    view = lit(seeing)
    assert view is not None
    assert not view.is_lit
    assert brightness(view) < 20
    seeing.may_lighten = True
    seeing._process_frame(dark(2))
    assert brightness(lit(seeing)) > 40


def test_lightened_pictures_come_ten_times_a_second_at_most(
    seeing: VisionThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIT_PICTURE_EVERY_S", 0.1)
    monkeypatch.setattr(seeing._board, "has_lit_viewers", lambda camera: True)
    numbers = []
    for number in range(60):
        seeing._process_frame(replace(dark(number), captured_mono_ns=round((100 + number / 30) * 1e9)))
        view = lit(seeing)
        numbers.append(None if view is None else view.frame_id)
    assert len(set(numbers)) == 20, "of two seconds of 30 frames"


@pytest.mark.parametrize("fps", [5, 8, 12, 15, 19, 25, 30, 60])
def test_a_rate_is_kept_whatever_rate_frames_come_at(fps: int) -> None:
    rng, limit = np.random.default_rng(fps), module.RateLimit()
    times = np.arange(60 * fps) / fps + rng.normal(0, 0.1 / fps, 60 * fps)
    made = sum(limit.take(float(at), 0.1) for at in times)
    assert made / 60 == pytest.approx(min(fps, 10), rel=0.03)
    assert sum(limit.take(3600 + number / fps, 0.1) for number in range(fps)) <= 11, (
        "an hour without a frame saves none up"
    )


def test_many_cameras_on_one_page_share_the_pictures_that_are_made(
    seeing: VisionThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s, made = 1000.0, {"plain": 0, "lit": 0}
    monkeypatch.setattr(module, "LIT_PICTURE_EVERY_S", 0.1)
    monkeypatch.setattr(module, "_live_view", lambda frame, *rest, is_lit=False: SimpleNamespace(camera=frame.camera))
    monkeypatch.setattr(module, "lighten_frame", lambda image: image)
    for which in ("has_viewers", "has_lit_viewers"):
        monkeypatch.setattr(seeing._board, which, lambda camera: camera in watched)
    for kind, name in (("plain", "publish"), ("lit", "publish_lit")):
        monkeypatch.setattr(
            seeing._board, name, lambda view, kind=kind: made.update({kind: made[kind] + (view.camera in watched)})
        )
    names = [f"c{number}" for number in range(16)]
    cameras: Any = [SimpleNamespace(config=DOOR.model_copy(update={"name": name})) for name in names]
    seeing._cameras = cameras
    frames, found = [replace(dark(1), camera=name) for name in names], {}
    for num in (1, 2, 4, 16):
        watched, made["plain"], made["lit"] = set(names[:num]), 0, 0
        for _ in range(240):
            for frame in frames:
                seeing._process_frame(replace(frame, captured_mono_ns=round(now_s * 1e9)))
            now_s += 1 / 30
        now_s += 2.0
        found[num] = made["plain"] / num / 8, made["lit"] / num / 8
    assert found[1] == pytest.approx((30, 10), abs=0.5), "one alone is shown at its own rate"
    assert found[2] == pytest.approx((30, 10), abs=0.5)
    assert found[4] == pytest.approx((15, 5), abs=0.7)
    assert found[16] == pytest.approx((3.75, 1.25), abs=0.4)


class OneOfMany:
    """A camera of many: it gives `frames`, and notes how long it was waited for."""

    def __init__(self, name: str, num_frames: int, turns: list[str]) -> None:
        self.config = DOOR.model_copy(update={"name": name})
        self.left, self.turns, self.waits = num_frames, turns, set[float]()
        self.event_fd = None

    def borrow(self, timeout_s: float) -> Frame | None:
        self.waits.add(timeout_s)
        if not self.left:
            return None
        self.left -= 1
        self.turns.append(self.config.name)
        return replace(dark(self.left), camera=self.config.name)

    def health(self) -> CameraHealth:
        return CameraHealth(self.config.name, CameraState.LIVE, AT, "", 1, 0)


def test_cameras_have_turns_and_none_is_waited_for_while_another_has_a_frame(
    seeing: VisionThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[str] = []
    cameras: Any = [OneOfMany("lost", 0, turns), OneOfMany("a", 5, turns), OneOfMany("b", 5, turns)]
    seeing._cameras = cameras

    def wait(given: Any, timeout_s: float) -> None:
        assert given is cameras
        assert [camera.left for camera in cameras] == [0, 0, 0], "a frame lay there meanwhile"
        seeing.stop()

    monkeypatch.setattr(module, "wait_for_any", wait)
    seeing.run()
    assert turns == ["a", "b"] * 5
    assert [camera.waits for camera in cameras] == [{0.0}] * 3


def test_new_masks_drop_all_pictures_from_before_and_start_the_camera_anew(seeing: VisionThread, door: Door) -> None:
    forgotten: list[str] = []
    evidence: Any = SimpleNamespace(forget=forgotten.append, note_frame=lambda *given: None)
    seeing.evidence = evidence
    seeing._board._lit_asked_at["door"] = time.monotonic()
    seeing._process_frame(dark(1))
    masked = DOOR.model_copy(update={"masks": (MaskConfig(x=0, y=0, width=0.5, height=1),)})
    seeing.take_areas(masked)
    assert seeing._board.newest("door") is not None, "not before the vision thread is between two frames"
    seeing._take_changes()
    line: Any = seeing.pipeline
    assert line.areas == [masked]
    assert door.changed == [masked]
    assert forgotten == ["door"]
    assert seeing._board.newest("door") is None
    assert lit(seeing) is None


def test_hits_that_are_gone_end_their_visits_between_two_frames(seeing: VisionThread) -> None:
    ended: list[Any] = []
    line: Any = seeing.pipeline
    line.end_visit = ended.append
    hit: Any = SimpleNamespace()
    seeing.note_gone(hit)
    assert not ended
    seeing._take_changes()
    seeing._take_changes()
    assert ended == [hit]


def test_new_zones_alone_leave_the_camera_alone(seeing: VisionThread, door: Door) -> None:
    zone = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    seeing._process_frame(dark(1))
    seeing.take_areas(DOOR.model_copy(update={"include_zones": (zone,)}))
    seeing._take_changes()
    line: Any = seeing.pipeline
    assert [camera.include_zones for camera in line.areas] == [(zone,)]
    assert door.changed == []
    assert seeing._board.newest("door") is not None


@pytest.mark.parametrize("state", [CameraState.ENDED, CameraState.STALLED, CameraState.LOST])
def test_who_was_before_a_camera_that_is_gone_has_the_last_answer(
    seeing: VisionThread, door: Door, monkeypatch: pytest.MonkeyPatch, state: CameraState
) -> None:
    """Not when it comes back, hours later: an alert would be late by as much."""
    line: Any = seeing.pipeline
    camera: Any = door
    frames, states = [dark(1)], iter([CameraState.LIVE, state, state])
    health = CameraHealth("door", CameraState.LIVE, AT, "", 1, 0)
    monkeypatch.setattr(door, "borrow", lambda timeout_s: frames.pop() if frames else None, raising=False)
    monkeypatch.setattr(door, "health", lambda: replace(health, state=next(states)))
    told = []
    for _ in range(4):
        seeing._take_turn(camera)
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
