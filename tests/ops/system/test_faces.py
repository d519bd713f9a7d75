"""What became of faces, by camera, in the last hour and the last day."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.capture.camera import Camera
from edge.config import CameraConfig
from edge.ops.system.camera_status import CameraStatusCollector
from edge.records import Reason


def test_outcomes_are_counted_for_an_hour_and_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    collector = CameraStatusCollector([Camera(CameraConfig(name="door", source="folder:none"))], tmp_path)
    assert collector.faces() == {"door": {"hour": {}, "day": {}}}
    collector.note_track_end("door", Reason.BLUR)
    collector.note_track_end("door", Reason.BLUR)
    now[0] += 2 * 3600
    collector.note_track_end("door", None)
    assert collector.faces()["door"] == {"hour": {"match": 1}, "day": {"blur": 2, "match": 1}}
    now[0] += 23 * 3600
    assert collector.faces()["door"] == {"hour": {}, "day": {"match": 1}}
    now[0] += 3600 * 24
    assert collector.faces()["door"] == {"hour": {}, "day": {}}
