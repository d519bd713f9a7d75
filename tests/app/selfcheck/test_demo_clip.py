"""The rendered clip: the same every time, composed as asked, readable after it was written."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge.app.selfcheck import demo_clip
from edge.capture.recorder import write_video
from edge.capture.sources import open_path
from edge.errors import CameraError, ConfigError, ImageError
from edge.pixels import compose
from edge.pixels.encode import to_png


def test_same_frames_every_time() -> None:
    one, two = (list(islice(demo_clip.frames(seconds=3.0), 30)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert {frame.shape for frame in one} == {(demo_clip.HEIGHT, demo_clip.WIDTH, 3)}
    assert not np.array_equal(one[0], one[29])


def test_an_installed_release_makes_the_same_clip_without_scikit_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = next(demo_clip.frames(only=[140]))
    kept = {demo_clip.PORTRAIT: demo_clip.portrait(), demo_clip.SCENE: demo_clip.scene()}
    monkeypatch.setitem(sys.modules, "skimage", None)
    with pytest.raises(ConfigError, match="scikit-image"):
        next(demo_clip.frames(only=[140]))
    for name, image in kept.items():
        (tmp_path / name).write_bytes(to_png(image))
    monkeypatch.setattr(demo_clip, "INSTALLED", tmp_path)
    assert np.array_equal(next(demo_clip.frames(only=[140])), rendered)


def test_paste_puts_the_picture_where_it_is_told() -> None:
    background = np.zeros((40, 60, 3), np.uint8)
    picture = np.full((10, 10, 3), 200, np.uint8)
    made = compose.paste(background, picture, np.ones((10, 10), np.float32), scale=1.0, corner=(20, 5))
    assert (made[5:15, 20:30] == 200).all()
    made[5:15, 20:30] = 0
    assert not made.any()
    assert not background.any()
    hidden = compose.paste(background, picture, np.zeros((10, 10), np.float32), scale=2.0, corner=(20, 5))
    assert not hidden.any()


def test_paste_refuses_what_does_not_fit() -> None:
    picture = np.zeros((10, 10, 3), np.uint8)
    with pytest.raises(ImageError, match="one size"):
        compose.paste(picture, picture, np.ones((9, 10), np.float32), scale=1.0, corner=(0, 0))
    with pytest.raises(ImageError, match="positive"):
        compose.paste(picture, picture, np.ones((10, 10), np.float32), scale=0.0, corner=(0, 0))


@pytest.mark.parametrize("size", [(640, 480), (100, 300), (3, 2)])
def test_fit_fills_the_frame(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (123, 457, 3), dtype=np.uint8)
    assert compose.fit(image, *size).shape == (size[1], size[0], 3)


def test_written_video_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "clip.avi"
    frames = [np.full((48, 64, 3), value, np.uint8) for value in (10, 120, 240)]
    assert write_video(path, frames, 25.0) == 3
    with open_path(path) as source:
        read = [frame.image.mean() for frame in source.frames()]
    assert read == pytest.approx([10, 120, 240], abs=3)


def test_video_refusals(tmp_path: Path) -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    with pytest.raises(ImageError, match="frame 2"):
        write_video(tmp_path / "a.avi", [frame, frame[:24]], 25.0)
    with pytest.raises(CameraError, match="folder"):
        write_video(tmp_path / "none" / "a.avi", [frame], 25.0)
