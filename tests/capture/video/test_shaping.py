"""Frames as people see them: whole where they were interlaced, with square pixels, upright."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from edge.arrays import BgrImage
from edge.capture.sources import open_path, open_source
from edge.capture.video.shaping import aspect_of, pixel_aspect, square, square_size
from edge.config import CameraConfig
from tests.support.capture.clips import HEIGHT, WIDTH, encode_video, scene, scenes, woven
from tests.support.media import encode, flat


def read(path: Path, **settings: Any) -> list[tuple[BgrImage, float]]:
    with open_source(CameraConfig(name="door", source=f"file:{path}", **settings)) as source:
        return [(frame.image, frame.media_s or 0.0) for frame in source.frames()]


def near(image: BgrImage, number: int) -> float:
    """Mean difference to that scene in gray values."""
    return float(np.abs(image.astype(int) - scene(number).astype(int)).mean())


INTERLACED = [
    ("a.mpg", {"format": "mpeg", "codec": "mpeg2video", "is_interlaced": True}),
    ("a.avi", {"format": "avi", "codec": "mpeg4", "is_interlaced": True}),
    ("a.mkv", {"format": "matroska", "options": {"x264-params": "tff=1"}}),
]


@pytest.mark.parametrize(("name", "kind"), INTERLACED, ids=["mpeg2", "mpeg4", "h264"])
def test_interlaced_frames_are_made_whole_and_none_is_lost(tmp_path: Path, name: str, kind: dict[str, Any]) -> None:
    images = woven(scenes(40))
    encode_video(tmp_path / name, images, **kind)

    def comb(image: BgrImage) -> float:
        """Difference of neighbouring lines beside what moves."""
        gray = image[HEIGHT // 2 + 2 : HEIGHT // 2 + 22, :, 1].astype(int)
        return float(np.abs(gray[1:] - gray[:-1]).mean())

    frames = read(tmp_path / name)
    as_sent = read(tmp_path / name, deinterlace="off")
    assert len(frames) == len(as_sent) == 20
    assert np.mean([image.mean() for image, _ in frames]) > 60, "not black"
    assert np.mean([comb(image) for image, _ in frames]) < 0.4 * np.mean([comb(image) for image, _ in as_sent])
    assert [at_s for _, at_s in frames] == pytest.approx([number / 25 for number in range(20)], abs=2e-3)
    with open_path(tmp_path / name) as source:
        list(source.frames())
        assert source.facts.is_interlaced  # type: ignore[attr-defined]


def test_progressive_frames_are_left_alone_unless_told_otherwise(tmp_path: Path) -> None:
    encode_video(tmp_path / "a.mp4", scenes(10), format="mp4")
    auto, off, on = (read(tmp_path / "a.mp4", deinterlace=how) for how in ("auto", "off", "on"))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(auto, off, strict=True))
    assert len(on) == 10
    assert not all(np.array_equal(a[0], b[0]) for a, b in zip(on, off, strict=True))


@pytest.mark.parametrize(
    ("stated", "setting", "size"),
    [
        (None, "auto", (WIDTH, HEIGHT)),
        (Fraction(1, 2), "auto", (WIDTH, 2 * HEIGHT)),
        (Fraction(16, 11), "auto", (186, HEIGHT)),
        (Fraction(16, 11), "4:3", (WIDTH, HEIGHT)),
        (None, "16:9", (171, HEIGHT)),
    ],
)
@pytest.mark.parametrize(("name", "format"), [("a.mp4", "mp4"), ("a.ts", "mpegts"), ("a.h264", "h264")])
def test_pixels_are_made_square(
    tmp_path: Path, name: str, format: str, stated: Fraction | None, setting: str, size: tuple[int, int]
) -> None:
    encode_video(tmp_path / name, scenes(4), format=format, aspect=stated)
    image = read(tmp_path / name, aspect=setting)[-1][0]
    assert image.shape[1::-1] == size
    assert near(np.asarray(cv2.resize(image, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8), 3) < 4


def test_the_shape_of_pixels_follows_the_setting_then_the_stream_then_the_size_of_television() -> None:
    four_to_three = aspect_of("4:3")
    assert pixel_aspect(720, 576, None, None, False) == pytest.approx(16 / 15)
    assert pixel_aspect(720, 576, Fraction(64, 45), None, False) == pytest.approx(64 / 45)
    assert pixel_aspect(720, 576, Fraction(1), None, False) == 1
    assert pixel_aspect(704, 288, None, None, False) == pytest.approx(12 / 22, rel=0.01)
    for width in (640, 704, 720, 928, 944, 960):
        for stated in (None, Fraction(0), Fraction(1)):
            assert pixel_aspect(width, 288, stated, None, False) == pytest.approx(4 / 3 * 288 / width), (
                "every second line"
            )
            assert pixel_aspect(width, 240, stated, None, False) == pytest.approx(4 / 3 * 240 / width)
    assert pixel_aspect(704, 288, Fraction(16, 22), None, False) == pytest.approx(16 / 22), "as the stream says"
    assert pixel_aspect(352, 288, Fraction(1), None, False) == 1
    assert pixel_aspect(720, 480, None, None, False) == 1, "phones film so, with square pixels"
    assert pixel_aspect(720, 480, None, None, True) == pytest.approx(8 / 9)
    assert pixel_aspect(1920, 1080, None, four_to_three, False) == pytest.approx(0.75)
    assert pixel_aspect(640, 480, Fraction(1, 90), None, False) == 1, "a fault of the file"
    assert pixel_aspect(640, 480, Fraction(200, 201), None, False) == 1
    assert square_size(720, 576, 16 / 15) == (768, 576)
    assert square_size(720, 480, 8 / 9) == (720, 540)
    assert square_size(9000, 6000, 2.0) == (9000, 3000), "what would be too large is shrunk the other way"


def test_frames_of_other_sources_are_stretched_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(flat(80), ".png"))
    with open_source(CameraConfig(name="door", source=f"folder:{tmp_path}", aspect="16:9")) as source:
        assert [frame.image.shape for frame in source.frames()] == [(48, 85, 3)]
        assert (source.problem, source.bad_frames) == (None, 0)
    image = flat(80)
    assert square(image, aspect_of("4:3")) is image


@pytest.mark.parametrize("degrees", [90, -90, 180])
def test_a_turned_recording_is_upright_as_opencv_shows_it(tmp_path: Path, degrees: int) -> None:
    encode_video(tmp_path / "a.mp4", scenes(3), format="mp4", rotation=degrees)
    theirs = cv2.VideoCapture(str(tmp_path / "a.mp4"), cv2.CAP_FFMPEG).read()[1]
    image = read(tmp_path / "a.mp4")[0][0]
    assert np.array_equal(image, theirs)
    assert image.shape[:2] == ((HEIGHT, WIDTH) if degrees == 180 else (WIDTH, HEIGHT))


@pytest.mark.parametrize(
    ("matrix", "corner"),
    [
        ((-1, 0, 0, 1), (0, 1)),
        ((1, 0, 0, -1), (1, 0)),
        ((0, 1, 1, 0), (0, 0)),
        ((0, -1, -1, 0), (1, 1)),
        ((0, 1, -1, 0), (0, 1)),
        ((-1, 0, 0, -1), (1, 1)),
    ],
    ids=["mirrored", "upside down", "transposed", "transposed the other way", "a quarter", "a half"],
)
def test_a_mirrored_recording_is_shown_as_its_matrix_says(
    tmp_path: Path, matrix: tuple[int, ...], corner: tuple[int, int]
) -> None:
    """The scene's lighter upper left corner comes to lie in the corner (bottom?, right?)."""
    data = bytearray(encode_video(tmp_path / "plain.mp4", scenes(3), format="mp4"))
    a, b, c, d = (number << 16 for number in matrix)
    struct.pack_into(">9i", data, data.index(b"tkhd") + 44, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    (tmp_path / "a.mp4").write_bytes(data)
    frames = read(tmp_path / "a.mp4")
    assert len(frames) == 3
    gray = frames[0][0][:, :, 1].astype(int)
    assert gray.shape == ((WIDTH, HEIGHT) if matrix[0] == 0 else (HEIGHT, WIDTH))
    light = {(y, x): gray[(-1 if y else 0), (-1 if x else 0)] for y in (0, 1) for x in (0, 1)}
    assert max(light, key=lambda place: int(light[place])) == corner
    with open_path(tmp_path / "a.mp4") as source:
        assert all(frame.planes is None for frame in source.frames())


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuvj420p"])
def test_planes_give_the_very_pixels_of_the_image(tmp_path: Path, pix_fmt: str) -> None:
    with av.open(str(tmp_path / "a.mkv"), "w") as file:
        stream = file.add_stream("mjpeg" if pix_fmt == "yuvj420p" else "libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        for number in range(3):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(scene(number), format="bgr24")))
        file.mux(stream.encode())
    with open_path(tmp_path / "a.mkv") as source:
        frames = list(source.frames())
    assert len(frames) == 3
    for frame in frames:
        planes = frame.planes
        assert planes is not None
        assert planes.is_full_range == (pix_fmt == "yuvj420p")
        assert np.array_equal(planes.to_bgr(), frame.image)
        assert frame.glance.pixels.shape == (HEIGHT, WIDTH)
        black, white = frame.glance.span
        luma = (frame.glance.pixels.astype(float) - black) * 255 / (white - black)
        gray = cv2.cvtColor(frame.image, cv2.COLOR_BGR2GRAY)
        assert np.abs(luma.clip(0, 255) - gray).mean() < 2


def test_what_is_turned_or_stretched_comes_as_an_image_alone(tmp_path: Path) -> None:
    encode_video(tmp_path / "a.mp4", scenes(2), format="mp4")
    with open_source(CameraConfig(name="door", source=f"file:{tmp_path / 'a.mp4'}", aspect="16:9")) as source:
        for frame in source.frames():
            assert frame.planes is None
            assert frame.glance.pixels.shape == frame.image.shape
