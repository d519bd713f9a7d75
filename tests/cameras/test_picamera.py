"""picamera2 for real: PyPI's library on Debian's libcamera, whose virtual pipeline plays pictures as a camera would."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.cameras import trixie as debian

BLUES = (30, 80, 130, 180)
CAMERA = """%YAML 1.1
---
"Virtual0":
  supported_formats:
    - width: 640
      height: 480
      frame_rates: [25, 30]
  frames:
    path: "/opt/frames/"
  location: "CameraLocationBack"
  model: "Virtual Video Device"
"""


@pytest.fixture(scope="module")
def seen(trixie: Path) -> dict[str, Any]:
    """What the product saw of the virtual camera."""
    pipeline = trixie / "usr/share/libcamera/pipeline/virtual"
    for folder in (pipeline, trixie / "opt/frames"):
        folder.mkdir(parents=True, exist_ok=True)
    (pipeline / "virtual.yaml").write_text(CAMERA)
    for number, blue in enumerate(BLUES):
        image = np.full((480, 640, 3), (blue, 60, 200), np.uint8)
        (trixie / f"opt/frames/{number}.jpg").write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
    tests = f"{debian.PRODUCT}/tests/cameras"
    command = debian.inside(
        debian.PYTHON,
        f"{tests}/inside_picamera.py",
        env={"PYTHONPATH": f"{tests}/adaptations:{debian.PRODUCT}", "LIBCAMERA_LOG_LEVELS": "*:FATAL"},
    )
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.timeout(3600)
def test_frames_come_in_their_size_and_colours(seen: dict[str, Any]) -> None:
    assert seen["shapes"] == [[480, 640, 3]]
    # The virtual camera gives JPEG's full range of luma under the name of video's narrower one: colours are stretched.
    for blue, green, red in seen["colors"]:
        assert abs(green - 60) < 20
        assert abs(red - 200) < 20
        assert min(abs(blue - value) for value in BLUES) < 20
    assert len({min(BLUES, key=lambda value: abs(blue - value)) for blue, _, _ in seen["colors"]}) > 1, "it moves"
    assert all(step > 0 for step in seen["steps_ns"])


def test_another_size_than_asked_for_is_taken_as_it_comes(seen: dict[str, Any]) -> None:
    assert seen["other_size"] == [480, 640, 3]


def test_a_killed_and_a_hung_process_are_replaced(seen: dict[str, Any]) -> None:
    assert seen["restarts"] == [1, 2]


def test_a_stop_that_hangs_holds_nobody_up(seen: dict[str, Any]) -> None:
    assert seen["child_is_gone"]
    assert seen["stop_s"] < 8


def test_a_missing_and_a_busy_camera_say_what_to_do(seen: dict[str, Any]) -> None:
    assert seen["missing"] == "picamera:3: no camera has the number 3; picamera:0 is Virtual Video Device"
    assert "is used by another program" in seen["busy"]
