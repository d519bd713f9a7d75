"""Masks that are changed while a camera runs: no frame of the former ones is given any more."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from edge.config import MaskConfig
from edge.records import CameraState
from tests.support.capture.cameras import is_alive, make, next_frame, wait_for_state
from tests.support.media import flat, write_clip


@pytest.mark.parametrize("is_hung", [False, True])
def test_no_frame_of_the_former_masks_is_given_once_they_are_changed(tmp_path: Path, is_hung: bool) -> None:
    images = [flat(level, 40, 80) for level in (180, 200, 220)]
    clip = write_clip(tmp_path / "flat.mp4", images * 7, fps=20)
    # So long that on a busy machine nobody takes the hung process for stalled before the masks are changed.
    with make(f"file:{clip}", loop=True, stall_after_s=60.0) as camera:
        assert next_frame(camera).image[20:, 40:].min() > 100
        wait_for_state(camera, CameraState.LIVE)
        former = camera.child_pid
        assert former is not None
        if is_hung:
            os.kill(former, signal.SIGSTOP)
        camera.change(camera.config.model_copy(update={"masks": (MaskConfig(x=0.5, y=0.5, width=0.5, height=0.5),)}))
        for _ in range(8):
            image = next_frame(camera).image
            assert not image[20:, 40:].any()
            assert image[:18, :38].min() > 100
        assert not is_alive(former)
        assert camera.health().restarts == 0, "nothing was wrong"
        wait_for_state(camera, CameraState.LIVE)
        camera.change(camera.config.model_copy(update={"masks": ()}))
        assert next_frame(camera).image[20:, 40:].min() > 100


def test_a_recording_that_has_ended_stays_ended_and_gives_no_frame_any_more(clip: Path) -> None:
    with make(f"file:{clip}", realtime=False) as camera:
        wait_for_state(camera, CameraState.ENDED)
        camera.change(camera.config.model_copy(update={"masks": (MaskConfig(x=0, y=0, width=1, height=1),)}))
        assert camera.newest(0.5) is None
        assert camera.health().state is CameraState.ENDED
