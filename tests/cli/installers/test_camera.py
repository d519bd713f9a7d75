"""`edge camera test` says what a source sends, and what is wrong with it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from edge.cli.root import app
from edge.errors import CameraError, ConfigError, ImageError
from tests.support.capture.clips import encode_video, scenes, woven
from tests.support.ports import free_port


def told(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["camera", "test", *arguments], catch_exceptions=False, env={"EDGE_CONFIG": ""})
    assert done.exit_code == 0, done.output
    return done.stdout


def test_it_tells_what_is_sent_and_writes_a_still(tmp_path: Path) -> None:
    images = woven(scenes(80))
    clip, still = tmp_path / "a.mpg", tmp_path / "still.png"
    encode_video(clip, images, format="mpeg", codec="mpeg2video", is_interlaced=True, aspect=Fraction(4, 3))
    found = json.loads(told(str(clip), "--still", str(still), "--json"))
    stream = found["stream"]
    assert (stream["codec"], stream["width"], stream["height"]) == ("mpeg2video", 128, 96)
    assert stream["is_interlaced"]
    assert stream["keyframe_s"] == pytest.approx(0.48)
    assert found["fps"] == pytest.approx(25)
    assert (found["frame_width"], found["frame_height"]) == (round(128 * stream["pixel_aspect"]), 96)
    assert found["authentication"] is None
    assert not found["is_black"]
    image = cv2.imread(str(still))
    assert image.shape[:2] == (96, found["frame_width"])
    text = told(str(clip), "--still", str(still), "--seconds", "0.3", "--aspect", "16:9")
    assert "mpeg2video in mpeg" in text
    assert "171 x 96" in text
    assert "fewer than two seen" in text


def test_a_configured_camera_is_named_and_its_settings_hold(tmp_path: Path) -> None:
    clip, config = tmp_path / "a.mp4", tmp_path / "edge.toml"
    encode_video(clip, scenes(10), format="mp4")
    config.write_text(f'[[camera]]\nname = "yard"\nsource = "file:{clip}"\naspect = "16:9"\n')
    found = json.loads(told("yard", "--config", str(config), "--still", str(tmp_path / "s.png"), "--json"))
    assert (found["frame_width"], found["source"]) == (171, f"file:{clip}")


def test_what_is_wrong_is_said_without_the_password(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4")
    for source, error, word in (
        (f"rtsp://guard:secret@127.0.0.1:{free_port()}/live", CameraError, "refused"),
        (str(tmp_path / "none.mp4"), CameraError, "no such file"),
        (str(tmp_path / "a.pdf"), ImageError, "a PDF document"),
        ("webcam:0", ConfigError, "v4l2:/dev/video0"),
        ("yrad", ConfigError, r"no camera of that name is configured \(none\), nor is there such a file"),
        (" ", ConfigError, "no source is given"),
        (f"folder:{tmp_path}/none", CameraError, "none: no such folder"),
        ("v4l2:/dev/null", CameraError, "it is no camera"),
    ):
        with pytest.raises(error, match=word) as caught:
            told(source)
        assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="no picture has such a shape"):
        told(str(tmp_path / "a.pdf"), "--aspect", "1:99")
