"""Many cameras: their children are light and start in turns, they are waited for together; a busy box kills none."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from edge.capture import orders, supervisor
from edge.capture.camera import wait_for_any
from edge.capture.child import NICE
from edge.capture.condition.sight import SceneWatch
from edge.capture.health import CaptureReport, HealthLimits, is_hung
from edge.capture.ring import ControlWord, Phase, RingReader, RingWriter
from edge.config import CameraConfig, MaskConfig
from edge.records import CameraState
from tests.support.capture.cameras import BACK_WITHIN_S, make, next_frame
from tests.support.media import wait_until


def test_whoever_waits_for_any_camera_is_woken_by_the_one_that_sends(clip: Path, tmp_path: Path) -> None:
    with make(f"file:{tmp_path / 'missing.mp4'}") as lost, make(f"file:{clip}", realtime=False) as camera:
        numbers: list[int] = []
        while len(numbers) < 20:
            if (frame := camera.borrow(0.0)) is not None:
                numbers.append(frame.frame_id)
            else:
                wait_for_any([lost, camera], BACK_WITHIN_S)
        assert numbers == list(range(1, 21))
    assert camera.event_fd is None, "nobody may wait for one that was stopped"
    wait_for_any([lost, camera], 0.01)


def test_a_child_holds_neither_the_library_of_settings_nor_threads() -> None:
    told = (
        "import edge.capture.child, edge.capture.network.rtsp, sys; "
        "print([name for name in sys.modules if name.startswith(('pydantic', 'edge.config', 'asyncio'))])"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_child_is_told_all_of_a_camera_that_it_asks_for() -> None:
    corner = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5))
    mask = MaskConfig(x=0.5, y=0, width=0.5, height=0.25)
    camera = CameraConfig(
        name="door", source="rtsp://me:pass@10.0.0.1/a", loop=True, fps=7.5, masks=(mask,), mask_polygons=(corner,)
    )
    told = orders.ChildSettings.read(orders.written(camera, 3, 4, 5).decode())
    assert (told.memory_fd, told.event_fd, told.parent_pid) == (3, 4, 5)
    assert told.camera.masks == (orders.Rectangle(0.5, 0, 0.5, 0.25),)
    rest = [field.name for field in dataclasses.fields(orders.CameraOrders) if field.name != "masks"]
    assert {name: getattr(told.camera, name) for name in rest} == {name: getattr(camera, name) for name in rest}


def test_children_start_in_turns(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "_starts", threading.BoundedSemaphore(1))
    rings = [RingReader(), RingReader()]
    config = CameraConfig(name="door", source=f"file:{clip}", loop=True)
    first, second = (supervisor.Supervisor(config, ring, HealthLimits(4.0)) for ring in rings)
    stop = threading.Event()
    threads = [threading.Thread(target=one.run, args=(stop,)) for one in (first, second)]
    try:
        threads[0].start()
        wait_until(lambda: first.child_pid is not None, BACK_WITHIN_S)
        threads[1].start()
        wait_until(lambda: second.child_pid is not None, BACK_WITHIN_S)
        assert rings[0].get(ControlWord.PHASE) != Phase.STARTING, "the first one has loaded its libraries"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        for ring in rings:
            ring.close()


def test_a_start_that_took_too_long_is_given_more_time_the_next_time() -> None:
    def hung(age_s: float, failures: int) -> bool:
        report = CaptureReport(Phase.STARTING, age_s, False, 0.0, 0.0, "", "", failures, is_running=True)
        return is_hung(report, HealthLimits(4.0))

    assert [hung(21, 0), hung(19, 0), hung(39, 1), hung(41, 1), hung(159, 9), hung(161, 100_000)] == [
        True, False, False, True, False, True,
    ]  # fmt: skip


def test_a_child_that_waits_for_a_processor_does_not_hang(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = RingReader()
    child_side = RingWriter(*ring.fds)
    one = supervisor.Supervisor(CameraConfig(name="door", source=f"file:{clip}"), ring, HealthLimits(4.0))
    child: Any = SimpleNamespace(pid=1)
    one._child = child
    waited_s, now_ns = 100.0, time.monotonic_ns()
    monkeypatch.setattr(supervisor, "waited_for_processor_s", lambda pid: waited_s)
    monkeypatch.setattr(supervisor.time, "monotonic_ns", lambda: now_ns)
    child_side.put(ControlWord.PHASE, Phase.STREAMING)
    child_side.put(ControlWord.BEAT_NS, now_ns)

    def age_after(seconds: float, waits_s: float) -> float:
        nonlocal waited_s, now_ns
        now_ns, waited_s = now_ns + round(seconds * 1e9), waited_s + waits_s
        return one._report().beat_age_s

    assert age_after(1.0, 1.0) == pytest.approx(1.0), "what it waited before is not known to be of this silence"
    assert age_after(10.0, 9.5) == pytest.approx(1.5)
    assert not is_hung(one._report(), HealthLimits(4.0))
    assert age_after(3.0, 0.0) == pytest.approx(4.5), "it had a processor, and showed nothing"
    assert is_hung(one._report(), HealthLimits(4.0))
    child_side.put(ControlWord.BEAT_NS, now_ns)
    assert age_after(2.0, 0.0) == pytest.approx(2.0)
    child_side.close()
    ring.close()


def test_the_kernel_tells_how_long_a_process_waited_for_a_processor() -> None:
    assert supervisor.waited_for_processor_s(os.getpid()) >= 0
    assert supervisor.waited_for_processor_s(2**30) == 0


@pytest.mark.parametrize("noise", [6, 0.5])
def test_a_recording_that_is_played_again_is_not_a_stream_that_repeats_itself(noise: float) -> None:
    rng = np.random.default_rng(0)
    blocks = np.kron(rng.integers(30, 200, (6, 8, 1)), np.ones((16, 16, 3)))
    images = [np.clip(blocks + rng.normal(0, noise, (96, 128, 3)), 0, 255).astype(np.uint8) for _ in range(12)]
    scene = SceneWatch()
    for at in range(240):
        if at % 12 == 0:
            scene.begin_pass(at / 4)
        scene.look(images[at % 12], at / 4)
        assert scene.state is not CameraState.FROZEN
    for at in range(240, 400):  # the same from a camera
        scene.look(images[at % 12], at / 4)
    assert scene.state is CameraState.FROZEN


def test_a_child_stands_back_behind_the_service(clip: Path) -> None:
    with make(f"file:{clip}", loop=True) as camera:
        next_frame(camera)
        pid = camera.child_pid
        assert pid is not None
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(own + NICE, 19)


def test_frames_that_nobody_asks_for_are_dropped_ones(clip: Path) -> None:
    with make(f"file:{clip}", loop=True) as camera:
        first = next_frame(camera)
        wait_until(lambda: camera.health().frames >= first.frame_id + 5, BACK_WITHIN_S)
        before = camera.dropped
        assert before >= 4
        later = next_frame(camera)
        assert camera.dropped >= later.frame_id - 2
    assert camera.dropped >= later.frame_id - 2
