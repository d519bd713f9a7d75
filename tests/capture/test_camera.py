"""The whole of capture: child process, ring, supervisor, health, with files as cameras."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.capture.health import CaptureReport, HealthLimits, is_hung, state_of
from edge.capture.ring import Phase
from edge.config import MaskConfig
from edge.errors import ConfigError
from edge.records import CameraState
from tests.support.capture.cameras import BACK_WITHIN_S, is_alive, make, next_frame, wait_for_state
from tests.support.capture.clips import encode_video
from tests.support.media import encode, flat, numbered, wait_until, write_clip


def write_h264(path: Path, images: Sequence[np.ndarray]) -> Path:
    encode_video(path, images, format="mp4")
    return path


def test_a_file_played_as_fast_as_it_is_read_loses_no_frame(clip: Path) -> None:
    with make(f"file:{clip}", realtime=False) as camera:
        frames = [next_frame(camera) for _ in range(20)]
        wait_for_state(camera, CameraState.ENDED)
        assert camera.newest(0.1) is None
        assert camera.dropped == 0
        assert "20 frames" in camera.health().detail
    assert [frame.frame_id for frame in frames] == list(range(1, 21))
    assert [frame.image.mean() for frame in frames] == pytest.approx(list(range(20, 220, 10)), abs=4.5)
    assert frames[0].camera == "door"
    assert abs((dt.datetime.now(dt.UTC) - frames[-1].captured_at).total_seconds()) < 60
    assert 0 < time.monotonic_ns() - frames[-1].captured_mono_ns < 60e9


def test_a_file_in_real_time_keeps_its_pace_and_a_slow_reader_drops_frames(clip: Path) -> None:
    with make(f"file:{clip}") as camera:
        first = next_frame(camera)
        time.sleep(0.5)
        later = next_frame(camera)
        assert camera.dropped == later.frame_id - first.frame_id - 1 > 0
        wait_for_state(camera, CameraState.ENDED)
    per_frame_s = (later.captured_mono_ns - first.captured_mono_ns) / 1e9 / (later.frame_id - first.frame_id)
    assert per_frame_s > 0.03  # not faster than recorded; how much slower is the machine's affair


def test_a_looped_folder_goes_on_and_stopping_is_quick(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encode(flat(50 + 50 * number), ".png"))
    with make(f"folder:{tmp_path}", loop=True, realtime=False) as camera:
        values = [int(next_frame(camera).image[0, 0, 0]) for _ in range(8)]
        wait_for_state(camera, CameraState.LIVE)
        pid = camera.child_pid
    assert values == [50, 100, 150, 50, 100, 150, 50, 100]
    assert pid is not None
    assert not is_alive(pid)
    assert camera.newest(5.0) is None
    camera.stop()


def test_a_slow_folder_is_not_a_stalled_one(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encode(flat(50 + 50 * number), ".png"))
    with make(f"folder:{tmp_path}", fps=0.5, stall_after_s=0.6) as camera:
        next_frame(camera)
        next_frame(camera)
        assert camera.health().restarts == 0


def test_masks_are_painted_before_the_parent_sees_a_pixel(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(flat(200, 40, 80), ".png"))
    with make(f"file:{tmp_path / 'a.png'}", masks=(MaskConfig(x=0.5, y=0, width=0.5, height=0.25),)) as camera:
        image = next_frame(camera).image
    assert not image[:10, 40:].any()
    image[:10, 40:] = 200
    assert (image == 200).all()


def test_polygons_are_painted_before_the_parent_sees_a_pixel(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(flat(200, 40, 80), ".png"))
    corner = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5))
    with make(f"file:{tmp_path / 'a.png'}", mask_polygons=(corner,)) as camera:
        image = next_frame(camera).image
    rows, columns = np.mgrid[:40, :80]
    inside = rows / 40 + columns / 80 < 0.5  # upper left corners of pixels: every pixel that the polygon touches
    assert not image[inside].any()
    assert (image[(rows / 40 + columns / 80 > 0.6)] == 200).all()


def test_a_borrowed_frame_is_luma_until_its_image_is_asked_for_and_gone_with_the_next(tmp_path: Path) -> None:
    clip = write_h264(tmp_path / "a.mp4", [flat(level, 48, 64) for level in (60, 120, 180)])
    with make(f"file:{clip}", realtime=False) as camera:
        first = camera.borrow(BACK_WITHIN_S)
        assert first is not None
        assert (first.pixels.shape, first.glance.pixels.shape) == ((48, 64, 3), (48, 64))
        assert abs(float(first.image.mean()) - 60) < 4
        second = camera.borrow(BACK_WITHIN_S)
        assert second is not None
        assert abs(float(first.image.mean()) - 60) < 4, "made while the frame was there"
        third = next_frame(camera)
        with pytest.raises(RuntimeError, match="given back"):
            _ = second.image
        assert abs(float(third.image.mean()) - 180) < 4
        assert camera.borrow(0.1) is None
        assert abs(float(third.glance.pixels.mean()) - 180) < 4, "newest gives what stays"


@pytest.mark.parametrize("is_polygon", [False, True])
def test_masked_places_are_in_nothing_that_a_decoded_frame_holds(tmp_path: Path, is_polygon: bool) -> None:
    clip = write_h264(tmp_path / "a.mp4", [flat(200, 48, 64) for _ in range(5)])
    left = {"mask_polygons": (((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)),)}
    masks = left if is_polygon else {"masks": (MaskConfig(x=0, y=0, width=0.5, height=1),)}
    with make(f"file:{clip}", realtime=False, **masks) as camera:
        frame = camera.borrow(BACK_WITHIN_S)
        assert frame is not None
        assert not frame.glance.pixels[:, :32].any()
        assert not frame.image[:, :32].any()
        assert frame.image[:, 36:].min() > 150


def test_a_covered_camera_is_said(tmp_path: Path) -> None:
    with make(looped_noise(tmp_path, lambda noise: noise + 90), loop=True) as camera:
        next_frame(camera)
        wait_for_state(camera, CameraState.COVERED, within_s=60.0)
        assert "covers the lens" in camera.health().detail


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_or_stopped_child_is_replaced(clip: Path, number: signal.Signals) -> None:
    with make(f"file:{clip}", loop=True) as camera:
        last_id = next_frame(camera).frame_id
        wait_for_state(camera, CameraState.LIVE)
        pid = camera.child_pid
        assert pid is not None
        os.kill(pid, number)
        wait_until(lambda: camera.health().state in (CameraState.STALLED, CameraState.LOST), BACK_WITHIN_S)
        assert "restarted" in camera.health().detail
        wait_for_state(camera, CameraState.LIVE)
        assert not is_alive(pid)
        assert camera.child_pid != pid
        assert camera.health().restarts == 1
        assert next_frame(camera).frame_id > last_id


def test_a_hung_child_is_replaced_while_nobody_reads_and_stop_does_not_wait_for_one(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.capture.camera._STOP_LIMIT_S", 200.0)
    camera = make(f"file:{clip}", loop=True)
    camera.start()
    wait_until(lambda: camera.health().state == CameraState.LIVE, BACK_WITHIN_S)
    first = camera.child_pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    wait_until(lambda: camera.health().restarts == 1 and camera.health().state == CameraState.LIVE, BACK_WITHIN_S)
    second = camera.child_pid
    assert second is not None
    os.kill(second, signal.SIGSTOP)
    start = time.monotonic()
    camera.stop()
    assert time.monotonic() - start < 100
    assert not is_alive(first)
    assert not is_alive(second)


def test_a_source_that_is_missing_is_lost_and_live_when_it_comes(clip: Path, tmp_path: Path) -> None:
    late = tmp_path / "late.mp4"
    with make(f"file:{late}", loop=True) as camera:
        wait_for_state(camera, CameraState.LOST)
        assert f"{late}: no such file" in camera.health().detail
        clip.rename(late)
        next_frame(camera)
        wait_for_state(camera, CameraState.LIVE)


@pytest.mark.parametrize(("data", "word"), [(b"", "empty"), (b"text\n" * 99, "not a video")])
def test_bad_files_are_said_in_health(tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "bad.mp4").write_bytes(data)
    with make(f"file:{tmp_path / 'bad.mp4'}") as camera:
        wait_for_state(camera, CameraState.LOST)
        assert word in camera.health().detail


def test_a_cut_off_file_is_played_to_the_break_and_says_so(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.avi", numbered(40), codec="MJPG")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with make(f"file:{clip}", realtime=False) as camera:
        wait_for_state(camera, CameraState.ENDED)
        assert "broke off after" in camera.health().detail


def looped_noise(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> str:
    rng = np.random.default_rng(3)
    for number in range(6):
        (folder / f"{number}.png").write_bytes(encode(change(rng.integers(0, 9, (48, 64, 3), np.uint8)), ".png"))
    return f"folder:{folder}"


@pytest.mark.parametrize(
    ("change", "state", "word"),
    [
        (lambda noise: noise, CameraState.DARK, "lens"),
        (lambda noise: noise * 0 + 90, CameraState.FROZEN, "restart the camera"),
        (lambda noise: noise + 90, CameraState.LIVE, "frames arrive"),
    ],
)
def test_dark_and_frozen_pictures_are_told_from_live_ones(
    tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], state: CameraState, word: str
) -> None:
    limits = HealthLimits(stall_after_s=1.0, frozen_after_s=0.5, dark_after_s=0.4)
    with make(looped_noise(tmp_path, change), limits, loop=True) as camera:
        while next_frame(camera).frame_id < 20:
            pass
        wait_for_state(camera, state)
        assert word in camera.health().detail
        assert camera.health().since <= dt.datetime.now(dt.UTC)


@pytest.mark.parametrize("is_stopped", [False, True])
def test_the_child_dies_with_a_killed_parent(clip: Path, is_stopped: bool) -> None:
    script = (
        "import sys, time\nfrom edge.capture.camera import Camera\nfrom edge.config import CameraConfig\n"
        "camera = Camera(CameraConfig(name='door', source=sys.argv[1], loop=True))\ncamera.start()\n"
        "camera.newest(10)\nprint(camera.child_pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, f"file:{clip}"], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    assert is_alive(child)
    if is_stopped:
        os.kill(child, signal.SIGSTOP)
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(child), BACK_WITHIN_S)


def test_the_child_imports_nothing_heavy() -> None:
    script = "import edge.capture.child, sys; print(sorted({'numba', 'onnxruntime', 'aiohttp'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bad_scheme_is_refused_when_the_camera_is_made() -> None:
    with pytest.raises(ConfigError, match="no known scheme"):
        make("webcam:0")


def report(**changes: Any) -> CaptureReport:
    values: dict[str, Any] = {
        "phase": Phase.STREAMING,
        "beat_age_s": 0.1,
        "has_had_frames": True,
        "unchanged_s": 0.0,
        "dark_s": 0.0,
        "text": "",
        "why": "",
        "failures": 0,
        "is_running": True,
    }
    return CaptureReport(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "state", "hung"),
    [
        ({}, CameraState.LIVE, False),
        ({"phase": Phase.STARTING, "has_had_frames": False}, CameraState.STARTING, False),
        ({"phase": Phase.OPENING, "has_had_frames": False, "beat_age_s": 5.0}, CameraState.STARTING, False),
        ({"phase": Phase.OPENING, "has_had_frames": False, "beat_age_s": 11.0}, CameraState.STARTING, True),
        ({"phase": Phase.OPENING, "failures": 1}, CameraState.STALLED, False),
        ({"phase": Phase.OPENING, "failures": 3}, CameraState.LOST, False),
        ({"phase": Phase.OPENING, "has_had_frames": False, "failures": 1}, CameraState.LOST, False),
        ({"phase": Phase.OPENING, "text": "refused"}, CameraState.LOST, False),
        ({"phase": Phase.WAITING, "text": "refused"}, CameraState.LOST, False),
        ({"beat_age_s": 4.5}, CameraState.STALLED, True),
        ({"is_running": False}, CameraState.STALLED, False),
        ({"phase": Phase.ENDED, "beat_age_s": 99.0, "is_running": False}, CameraState.ENDED, False),
        ({"unchanged_s": 10.5}, CameraState.FROZEN, False),
        ({"unchanged_s": 10.5, "dark_s": 5.5}, CameraState.DARK, False),
        ({"sight": CameraState.MOVED}, CameraState.MOVED, False),
        ({"sight": CameraState.MOVED, "unchanged_s": 10.5}, CameraState.FROZEN, False),
        ({"sight": CameraState.COVERED, "phase": Phase.WAITING, "text": "refused"}, CameraState.LOST, False),
    ],
)
def test_what_is_said_of_a_camera(changes: dict[str, Any], state: CameraState, hung: bool) -> None:
    limits = HealthLimits(stall_after_s=4.0)
    assert state_of(report(**changes), limits, "rtsp://cam")[0] == state
    assert is_hung(report(**changes), limits) == hung
