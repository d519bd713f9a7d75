"""Recorded sources, addresses, and the small pure parts of capture."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.capture.address import parse_source, without_login
from edge.capture.condition.freeze import FreezeDetector
from edge.capture.frames import SourceFrame
from edge.capture.masks import paint_masks
from edge.capture.pacing import Pacer
from edge.capture.sources import open_path, open_source
from edge.config import CameraConfig, MaskConfig
from edge.errors import CameraError, ConfigError, EdgeError, ExitCode, ImageError
from edge.glance import VIDEO_RANGE, Glance
from tests.support.media import encode, flat, numbered, png_of, write_clip, write_gif


def camera(source: str, **settings: Any) -> CameraConfig:
    return CameraConfig(name="door", source=source, **settings)


def grays(path: Path) -> list[int]:
    with open_path(path) as source:
        return [round(float(frame.image.mean())) for frame in source.frames()]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.mkv", "mp4v"), ("a.avi", "MJPG")])
def test_a_video_gives_every_frame_with_its_time(tmp_path: Path, name: str, codec: str) -> None:
    path = write_clip(tmp_path / name, numbered(20), fps=10, codec=codec)
    with open_path(path) as source:
        frames = list(source.frames())
        again = list(source.frames())
    assert [frame.image.mean() for frame in frames] == pytest.approx(list(range(20, 220, 10)), abs=4.5)
    assert [frame.media_s for frame in frames] == pytest.approx([index / 10 for index in range(20)], abs=2e-3)
    assert source.problem is None
    assert all(np.array_equal(a.image, b.image) and a.media_s == b.media_s for a, b in zip(frames, again, strict=True))


def test_a_gif_keeps_its_times_and_a_gif_of_one_picture_works(tmp_path: Path) -> None:
    path = write_gif(tmp_path / "a.gif", numbered(6), ms=200)
    with open_path(path) as source:
        assert [frame.media_s for frame in source.frames()] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
        assert source.problem is None
    assert grays(path) == [20, 30, 40, 50, 60, 70]
    assert grays(write_gif(tmp_path / "one.gif", [flat(80)])) == [80]


def test_a_folder_is_read_in_natural_order_and_a_broken_image_is_left_out(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        (tmp_path / f"frame{number}.png").write_bytes(encode(flat(number * 10), ".png"))
    (tmp_path / "frame3.png").write_text("text")
    (tmp_path / "notes.txt").write_text("text")
    with open_source(camera(f"folder:{tmp_path}", fps=5)) as source:
        frames = list(source.frames())
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [10, 20, 100]
    assert [frame.media_s for frame in frames] == pytest.approx([0, 0.2, 0.6])
    assert source.bad_frames == 1
    assert source.problem is not None
    assert "frame3.png" in source.problem


def test_a_single_image_is_a_source_of_one_frame(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(flat(77), ".png"))
    assert grays(tmp_path / "a.png") == [77]


@pytest.mark.parametrize(
    ("name", "codec", "make"),
    [("a.mkv", "mp4v", write_clip), ("a.avi", "MJPG", write_clip), ("a.gif", "", None)],
)
def test_a_video_cut_off_gives_what_there_is_and_says_so(
    tmp_path: Path, name: str, codec: str, make: Callable[..., Path] | None
) -> None:
    rng = np.random.default_rng(1)
    images = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(40)]
    path = make(tmp_path / name, images, codec=codec) if make else write_gif(tmp_path / name, images)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    with open_path(path) as source:
        num_frames = sum(1 for _ in source.frames())
    assert 8 < num_frames < 36
    assert source.problem is not None
    assert f"after {num_frames} " in source.problem


@pytest.mark.parametrize(
    ("name", "data", "error", "word"),
    [
        ("empty.mp4", b"", ImageError, "empty"),
        ("text.mp4", b"hello\n" * 100, ImageError, "not a video"),
        ("text.jpg", b"hello\n" * 100, ImageError, "not an image"),
        ("empty.png", b"", ImageError, "empty"),
        ("list.mp4", b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n", ImageError, "not a video"),
        ("list.gif", b"ffconcat version 1.0\nfile /etc/passwd\n", ImageError, "not a video"),
        ("giant.png", png_of("L", 16_000, 16_000), ImageError, "16000 x 16000"),
        ("head.mp4", b"\x00\x00\x00\x1cftypisom" + bytes(500), ImageError, "cut off before its index"),
    ],
)
def test_bad_files_are_refused_with_one_sentence(
    tmp_path: Path, name: str, data: bytes, error: type[EdgeError], word: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(error, match=word) as caught:
        grays(tmp_path / name)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == ExitCode.DATA


def test_a_truncated_mp4_has_no_index(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", numbered(40))
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImageError, match="cut off before its index"):
        grays(path)


def test_what_is_not_there_or_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no such file") as caught:
        open_path(tmp_path / "none.mp4")
    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    with pytest.raises(CameraError, match="not a plain file"):
        open_path(Path("/dev/null"))
    with pytest.raises(ImageError, match="holds no images"), open_path(tmp_path):
        pass
    with pytest.raises(CameraError, match="no such camera device"), open_source(camera("v4l2:/dev/video99")):
        pass
    with pytest.raises(CameraError, match="not a camera device"), open_source(camera(f"v4l2:{tmp_path}")):
        pass


@pytest.mark.parametrize("source", ["clip.mp4", "ftp://x/y", "file:", "picamera:zero", "rtsp://", "http://:80/", ":"])
def test_a_source_that_cannot_be_one_is_a_configuration_error(source: str) -> None:
    with pytest.raises(ConfigError, match="door") as caught:
        parse_source(camera(source))
    assert caught.value.exit_code == ExitCode.CONFIG


def test_schemes_are_listed_and_passwords_are_not_shown() -> None:
    with pytest.raises(ConfigError, match="v4l2:/dev/video0"):
        parse_source(camera("webcam:0"))
    shown = parse_source(camera("rtsp://guard:se%40cret@cam/live?x=1")).shown
    assert shown == "rtsp://cam/live"
    with pytest.raises(ConfigError) as caught:
        parse_source(camera("rtmp://guard:secret@cam/live"))
    assert "secret" not in str(caught.value)


def test_masks_cover_every_pixel_they_touch() -> None:
    image = flat(200, 10, 10)
    paint_masks(image, (MaskConfig(x=0.25, y=0.5, width=0.3, height=0.9),))
    expected = flat(200, 10, 10)
    expected[5:, 2:6] = 0
    assert np.array_equal(image, expected)


def test_the_pixel_watch_tells_frozen_and_dark_and_looks_beside_masks() -> None:
    watch = FreezeDetector((MaskConfig(x=0, y=0, width=1, height=0.9),))
    masked = flat(0, 100, 100)
    masked[90:] = 120
    watch.look(Glance(masked), 5)
    watch.look(Glance(masked), 6)
    assert (watch.unchanged_since_ns, watch.dark_since_ns) == (5, 0)
    dim = masked.copy()
    dim[90:] = 3
    watch.look(Glance(dim), 7)
    watch.look(Glance(dim), 8)
    assert (watch.unchanged_since_ns, watch.dark_since_ns) == (7, 7)
    watch.look(Glance(flat(50, 40, 40)), 9)
    assert (watch.unchanged_since_ns, watch.dark_since_ns) == (9, 0)


def test_the_pixel_watch_knows_what_of_luma_is_black() -> None:
    watch = FreezeDetector()
    luma = np.full((96, 96), 22, np.uint8)  # 7 of 255, where 16 is black
    watch.look(Glance(luma, VIDEO_RANGE), 1)
    watch.look(Glance(luma, VIDEO_RANGE), 2)
    assert (watch.unchanged_since_ns, watch.dark_since_ns) == (1, 1)
    watch.look(Glance(luma), 3)
    assert (watch.unchanged_since_ns, watch.dark_since_ns) == (1, 0)


def test_the_pacer_follows_the_recording_and_its_loops_and_forgives_lateness() -> None:
    pacer = Pacer()
    assert [pacer.due_s(media, 100.0) for media in (0.0, 0.1, 0.2)] == pytest.approx([100.0, 100.1, 100.2])
    assert [pacer.due_s(media, 100.2) for media in (0.0, 0.1)] == pytest.approx([100.3, 100.4])
    assert pacer.due_s(0.2, 150.0) == pytest.approx(150.0)
    assert pacer.due_s(0.3, 150.0) == pytest.approx(150.1)


def test_every_scheme_of_the_configuration_is_understood() -> None:
    description = CameraConfig.model_fields["source"].description or ""
    for example in re.findall(r"[a-z0-9]+:[^\s,]+", description):
        assert parse_source(camera(example.replace("...", "host/"))).target


def test_a_source_is_shown_without_its_login() -> None:
    assert without_login("rtsp://admin:p@ss@10.0.0.5/s1?token=abc") == "rtsp://10.0.0.5/s1"
    assert without_login("file:clip.mp4") == "file:clip.mp4"


def test_a_frame_without_a_time_is_placed_by_its_number() -> None:
    picture = flat(0)
    assert SourceFrame(picture, 1.5).time_s(100) == 1.5
    assert SourceFrame(picture, 0.0).time_s(100) == 0.0
    assert SourceFrame(picture, None).time_s(100) == 4.0
