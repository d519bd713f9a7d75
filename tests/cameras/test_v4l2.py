"""V4L2 for real: a camera of the Linux kernel's own making, pulled out and plugged in under an emulator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cameras import emulator
from tests.cameras.trixie import PRODUCT, UnavailableError


@pytest.fixture(scope="module")
def steps(trixie: Path) -> dict[str, dict[str, Any]]:
    """What the product said at each step."""
    try:
        text = emulator.run(trixie, f"{PRODUCT}/tests/cameras/inside_vivid.py")
    except UnavailableError as error:
        pytest.skip(str(error))
    found = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert found, text
    assert found[-1]["step"] == "done", text[-3000:]
    return {step["step"]: step for step in found}


@pytest.mark.timeout(3600)
def test_frames_flow(steps: dict[str, dict[str, Any]]) -> None:
    assert steps["plugged in"]["state"] == "live"
    assert steps["frame"]["shape"] == [180, 320, 3]
    assert steps["frame"]["spread"] > 100, "vivid draws coloured bars"


@pytest.mark.parametrize("number", [1, 2])
def test_an_unplugged_camera_is_gone_and_comes_back_by_itself(steps: dict[str, dict[str, Any]], number: int) -> None:
    gone, back = steps[f"unplugged {number}"], steps[f"replugged {number}"]
    assert gone["state"] == "lost"
    assert "/dev/video0: no such camera device; plug it in" in gone["detail"]
    assert back["state"] == "live"
    assert back["frames"] >= gone["frames"] + 5
    assert back["restarts"] == steps["plugged in"]["restarts"]
    assert back["pid"] == steps["plugged in"]["pid"], "not even the capture process was started anew"


def test_what_is_in_the_way_is_said(steps: dict[str, dict[str, Any]]) -> None:
    assert "user nobody may not open it; sudo usermod -aG video nobody" in steps["refused"]["detail"]
    assert f"is used by another program (python, process {steps['busy']['pid']})" in steps["busy"]["detail"]


def test_only_devices_with_pictures_are_cameras(steps: dict[str, dict[str, Any]]) -> None:
    """As a USB camera has, this one has devices beside that of its pictures."""
    assert len(steps["devices"]["nodes"]) == 3
    assert steps["cameras"]["found"] == [["/dev/video0", "vivid"]]
    sound, *others = steps["explained"]["details"]
    assert sound is None
    meant = "gives no pictures; it is no camera, or another part of one; cameras found here: /dev/video0 (vivid)"
    assert others == [meant, meant]
    assert all(meant in detail for detail in steps["not for pictures"]["details"])
