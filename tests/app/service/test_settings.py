"""What the audit is told of settings: those beyond the defaults, without passwords."""

from __future__ import annotations

from pathlib import Path

from edge.app.service.settings import changed_settings
from edge.config import CameraConfig, Config, RecogniseConfig


def test_only_what_was_set_is_told_and_no_password() -> None:
    cameras = (
        CameraConfig(name="yard", source="rtsp://ann:secret@192.0.2.10/stream"),
        CameraConfig(name="door", source="v4l2:/dev/video0"),
    )
    config = Config(data_dir=Path("/data"), camera=cameras, recognise=RecogniseConfig(min_similarity=0.61))
    assert changed_settings(config) == {
        "data_dir": '"/data"',
        "recognise.min_similarity": "0.61",
        "camera.yard.source": '"rtsp://192.0.2.10/stream"',
        "camera.door.source": '"v4l2:/dev/video0"',
    }
    assert changed_settings(Config()) == {}
