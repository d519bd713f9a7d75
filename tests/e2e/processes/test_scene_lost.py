"""A camera that is covered while the service runs: its item carries what it saw before and then, without a face."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.app.selfcheck import demo_clip
from edge.capture.recorder import write_video
from edge.pixels import compose
from edge.pixels.scene import injected
from tests.support.appliance import Appliance

FPS = 5.0
CLEAR_S, COVERED_S = 16, 20


def frames() -> Iterator[np.ndarray]:
    """Somebody stands before a scene; then a cloth hangs over the lens."""
    whole = np.ones((300, 300), np.float32)
    place = compose.paste(demo_clip.scene(), demo_clip.portrait()[:300, 60:360], whole, scale=0.8, corner=(40, 200))
    rng = np.random.default_rng(1)
    for number in range(int((CLEAR_S + COVERED_S) * FPS)):
        image = place if number < CLEAR_S * FPS else injected.cover(place, 70.0, 1.0, 0.3)
        yield np.clip(image + rng.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def picture(box: Appliance, token: str, sha256: str) -> np.ndarray:
    request = urllib.request.Request(f"{box.url}/api/v1/images/{sha256}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return cv2.imdecode(np.frombuffer(answer.read(), np.uint8), cv2.IMREAD_COLOR)


def wait_for_item(box: Appliance, token: str) -> dict[str, Any]:
    """The first item that says `covered`."""
    after, ends = "", time.monotonic() + 150
    while time.monotonic() < ends:
        page = box.get(f"/api/v1/alerts?limit=100&wait=20{after}", token)
        for item in page["items"]:
            if item["type"] == "health" and item.get("state") == "covered":
                return dict(item)
        after = f"&after={page['next']}"
    raise AssertionError(f"nobody said that the camera is covered: {box.log()[-2000:]}")


@pytest.mark.timeout(400)
def test_a_covered_camera_shows_before_and_now_without_a_face(tmp_path: Path) -> None:
    clip = tmp_path / "clip.avi"
    write_video(clip, frames(), FPS)
    box = Appliance(tmp_path, camera=clip)
    token = box.token()
    with box.running():
        item = wait_for_item(box, token)
        assert set(item["pictures"]) == {"now", "before"}
        before, now = (picture(box, token, item["pictures"][role]) for role in ("before", "now"))
        metrics = box.text("/metrics", token)
    clear = next(iter(frames()))
    face = (slice(265, 330), slice(145, 200))
    assert clear[face].mean() > 80
    assert before[face].max() <= 12, "the face of a stranger is black"
    place = (slice(20, 180), slice(320, 620))
    assert np.abs(before[place].astype(int) - clear[place]).mean() < 15, "the scene is there"
    assert np.abs(now[place].astype(int) - clear[place]).mean() > 25, "the cloth hides it"
    assert now[place].std() < 15
    assert 'edge_camera_state{camera="door",state="covered"}' in metrics
    assert "edge_lowering_step" in metrics
