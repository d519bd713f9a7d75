"""Recordings of every kind: whole, square and upright pictures with their times, or a refusal that says what it is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.arrays import BgrImage
from edge.capture.sources import open_path, open_source
from edge.capture.video import containers, recordings
from edge.capture.video.containers import is_jpeg_sequence
from edge.capture.video.kinds import is_video
from edge.capture.video.recordings import Timeline
from edge.config import CameraConfig
from edge.errors import ImageError
from edge.names import printable
from tests.support.capture.clips import HEIGHT, WIDTH, encode_sound, encode_video, scene, scenes
from tests.support.media import encode, flat

QUIET = {"x265-params": "log-level=none"}


def read(path: Path, **settings: Any) -> list[tuple[BgrImage, float]]:
    with open_source(CameraConfig(name="door", source=f"file:{path}", **settings)) as source:
        return [(frame.image, frame.media_s or 0.0) for frame in source.frames()]


def near(image: BgrImage, number: int) -> float:
    """Mean difference to that scene in gray values."""
    return float(np.abs(image.astype(int) - scene(number).astype(int)).mean())


KINDS = [
    ("a.mp4", {"format": "mp4"}),
    ("a.mkv", {"format": "matroska", "codec": "libx265", "options": QUIET}),
    ("a.ts", {"format": "mpegts"}),
    ("a.mpg", {"format": "mpeg", "codec": "mpeg2video"}),
    ("a.vob", {"format": "vob", "codec": "mpeg2video"}),
    ("a.m2v", {"format": "mpeg2video", "codec": "mpeg2video"}),
    ("a.m4v", {"format": "m4v", "codec": "mpeg4"}),
    ("a.h264", {"format": "h264"}),
    ("h264.dat", {"format": "h264"}),
    ("a.h265", {"format": "hevc", "codec": "libx265", "options": QUIET}),
    ("h265", {"format": "hevc", "codec": "libx265", "options": QUIET}),
    ("a.mjpeg", {"format": "mjpeg", "codec": "mjpeg", "pixels": "yuvj420p"}),
    ("frames.jpg", {"format": "mjpeg", "codec": "mjpeg", "pixels": "yuvj420p"}),
    ("server.bin", {"format": "mpjpeg", "codec": "mjpeg", "pixels": "yuvj420p"}),
    ("a.flv", {"format": "flv", "codec": "flv"}),
    ("a.wmv", {"format": "asf", "codec": "wmv2"}),
    ("a.ivf", {"format": "ivf", "codec": "libvpx"}),
    ("a.ogv", {"format": "ogg", "codec": "libvpx"}),
    ("a.y4m", {"format": "yuv4mpegpipe", "codec": "wrapped_avframe"}),
    ("a.mxf", {"format": "mxf", "codec": "mpeg2video"}),
]


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=[name for name, _ in KINDS])
def test_every_kind_gives_every_frame_with_its_time(tmp_path: Path, name: str, kind: dict[str, Any]) -> None:
    encode_video(tmp_path / name, scenes(20), **kind)
    frames = read(tmp_path / name)
    assert [at_s for _, at_s in frames] == pytest.approx([number / 25 for number in range(20)], abs=2e-3)
    assert all(near(image, number) < 6 for number, (image, _) in enumerate(frames))
    again = read(tmp_path / name)
    assert all(np.array_equal(a, b) for (a, _), (b, _) in zip(frames, again, strict=True))


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mpeg2video", "mjpeg"])
def test_pixels_are_those_that_opencv_gave(tmp_path: Path, codec: str) -> None:
    """Models and recorded answers were made with OpenCV's decoder."""
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    encode_video(tmp_path / "a.mkv", scenes(10), format="matroska", codec=codec, pixels=pixels)
    video = cv2.VideoCapture(str(tmp_path / "a.mkv"), cv2.CAP_FFMPEG)
    theirs = [video.read()[1] for _ in range(10)]
    assert all(np.array_equal(ours, other) for (ours, _), other in zip(read(tmp_path / "a.mkv"), theirs, strict=True))


def test_times_are_real_where_the_rate_changes(tmp_path: Path) -> None:
    times = [40 * number for number in range(10)] + [5000, 5500, 9000]
    encode_video(tmp_path / "a.mp4", scenes(13), format="mp4", times_ms=times)
    assert [at_s for _, at_s in read(tmp_path / "a.mp4")] == pytest.approx([ms / 1000 for ms in times], abs=2e-3)


def test_recordings_put_together_go_on_in_time(tmp_path: Path) -> None:
    data = encode_video(tmp_path / "a.ts", scenes(20), format="mpegts")
    (tmp_path / "a.ts").write_bytes(data + data)
    times = [at_s for _, at_s in read(tmp_path / "a.ts")]
    assert times == pytest.approx([number / 25 for number in range(40)], abs=2e-3)


def test_a_timeline_grows_whatever_a_file_says() -> None:
    line = Timeline(0.04)
    placed = [line.place(at_s) for at_s in (0.0, 0.04, None, 0.04, 0.16, 7.0, 1e12, -1e12, 7.04, 3.0, 3.04, 1e18)]
    assert placed == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 7.0, 7.04, 7.08, 7.12, 7.16, 7.2, 7.24])


def as_m2ts(data: bytes) -> bytes:
    """Packets with a time of four bytes before each, as Blu-ray recorders write."""
    return b"".join(bytes(4) + data[at : at + 188] for at in range(0, len(data) - 187, 188))


@pytest.mark.parametrize(
    ("name", "format", "change", "least"),
    [
        ("cut.ts", "mpegts", lambda data: data[1234:], 20),
        ("cut", "mpegts", lambda data: data[777:], 20),
        ("a.m2ts", "mpegts", as_m2ts, 40),
        ("cut.m2ts", "mpegts", lambda data: as_m2ts(data)[1000:], 20),
        ("cut.dat", "mpegts", lambda data: as_m2ts(data)[1000:], 20),
        ("cut.264", "h264", lambda data: data[len(data) // 2 :], 10),
        ("ch01.mp4", "mpeg", lambda data: b"IMKH" + bytes(36) + data, 40),
        ("ch01.dat", "mpeg", lambda data: b"RECORDER" * 40 + data, 40),
        ("ch02.dat", "mp4", lambda data: b"RECORDER" * 40 + data, 40),
        ("ch03.mp4", "mpegts", lambda data: b"RECORDER" * 40 + data, 40),
    ],
)
def test_what_recorders_export_is_read(
    tmp_path: Path, name: str, format: str, change: Callable[[bytes], bytes], least: int
) -> None:
    codec = "mpeg2video" if format == "mpeg" else "libx264"
    data = encode_video(tmp_path / "base", scenes(40), format=format, codec=codec)
    (tmp_path / name).write_bytes(change(data))
    frames = read(tmp_path / name)
    assert len(frames) >= least
    assert near(frames[-1][0], 39) < 6


@pytest.mark.parametrize(
    ("name", "make", "word"),
    [
        ("a.mp3", lambda path: encode_sound(path, "mp3", "libmp3lame"), "is a sound file"),
        ("a.wav", lambda path: encode_sound(path, "wav", "pcm_s16le"), "is a sound file"),
        ("a.m4a", lambda path: encode_sound(path, "ipod", "aac"), "holds sound alone"),
        ("a.mkv", lambda path: encode_sound(path, "matroska", "aac"), "holds sound alone"),
        (
            "black.mp4",
            lambda path: encode_video(path, [scene(0) * 0] * 5, format="mp4"),
            "all of its 5 pictures are black",
        ),
        ("a.pdf", lambda path: path.write_bytes(b"%PDF-1.4\n%\xe2\xe3"), "a PDF document"),
        ("noise", lambda path: path.write_bytes(np.random.default_rng(0).bytes(9000)), "nor a picture"),
        ("a.m3u8", lambda path: path.write_text("#EXTM3U\n#EXTINF:1,\nhttp://h/a.ts\n"), "a text or playlist"),
        ("a.sdp", lambda path: path.write_text("v=0\r\nm=video 5000 RTP/AVP 96\r\n"), "a text or playlist"),
        ("head.ts", lambda path: path.write_bytes((b"G" + bytes(187)) * 9), "holds|can't be opened"),
    ],
)
def test_what_is_no_recording_is_called_what_it_is(
    tmp_path: Path, name: str, make: Callable[[Path], Any], word: str
) -> None:
    make(tmp_path / name)
    with pytest.raises(ImageError, match=word) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_photo_that_holds_a_second_one_is_a_photo(tmp_path: Path) -> None:
    photo = encode(flat(90))
    path = tmp_path / "a.jpg"
    path.write_bytes(photo)
    assert not is_jpeg_sequence(path, photo)
    path.write_bytes(photo[:2] + b"\xff\xe2\x00\x08MPF\x00ab" + photo[2:] + photo)
    assert not is_jpeg_sequence(path, path.read_bytes())
    assert len(read(path)) == 1
    path.write_bytes(photo + bytes(7) + photo)
    assert is_jpeg_sequence(path, path.read_bytes())
    assert len(read(path)) == 2


def with_many_chunks(data: bytes, count: int) -> bytes:
    """An MP4 of one frame whose index names that frame so many times (ISO/IEC 14496-12, boxes of `stbl`)."""
    made = bytearray(data.replace(b"edts", b"free"))  # else the edit list leaves out all but the first

    def replace(kind: bytes, body: bytes) -> None:
        at = made.index(kind) - 4
        size = int.from_bytes(made[at : at + 4])
        made[at : at + size] = (8 + len(body)).to_bytes(4) + kind + body
        for parent in (b"moov", b"trak", b"mdia", b"minf", b"stbl"):
            start = made.index(parent) - 4
            made[start : start + 4] = (int.from_bytes(made[start : start + 4]) + 8 + len(body) - size).to_bytes(4)

    stsz, stco = made.index(b"stsz") + 4, made.index(b"stco") + 4
    size, offset = bytes(made[stsz + 4 : stsz + 8]), bytes(made[stco + 8 : stco + 12])
    number = count.to_bytes(4)
    replace(b"stts", bytes(4) + (1).to_bytes(4) + number + (512).to_bytes(4))
    replace(b"stsz", bytes(4) + size + number)
    replace(b"stco", bytes(4) + number + offset * count)
    return bytes(made)


def test_a_frame_that_is_named_again_and_again_is_decoded_only_as_often_as_the_file_could_hold_it(
    tmp_path: Path,
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (HEIGHT * 2, WIDTH * 2, 3), np.uint8)
    data = encode_video(tmp_path / "a.mp4", [noise], format="mp4", codec="mjpeg", pixels="yuvj420p")
    (tmp_path / "a.mp4").write_bytes(with_many_chunks(data, 2000))
    with open_path(tmp_path / "a.mp4") as source:
        num_frames = sum(1 for _ in source.frames())
    assert 20 < num_frames < 300
    assert source.problem is not None
    assert f"broke off after {num_frames} of about 2000" in source.problem


def test_pictures_in_the_boxes_of_a_video_file_are_no_videos() -> None:
    assert is_video(b"\x00\x00\x00\x1cftypisom")
    assert not is_video(b"\x00\x00\x00\x1cftypheic")
    assert not is_video(b"\x00\x00\x00\x1cftypavif")


def test_a_name_that_is_no_utf_8_is_read_and_shown(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    encode_video(path, scenes(5), format="mp4")
    with open_path(path) as source:
        assert len(list(source.frames())) == 5
    path.write_bytes(b"text")
    with pytest.raises(ImageError, match="caf\ufffd"), open_path(path):
        pass
    assert printable(path).endswith("caf\ufffd.mp4")


@pytest.mark.parametrize("name", ["a.avi", "a.mp4"])
def test_pictures_larger_than_allowed_are_never_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind = {"codec": "mjpeg", "pixels": "yuvj420p"} if name == "a.avi" else {}
    encode_video(tmp_path / name, scenes(5), format=name.rpartition(".")[2], **kind)
    assert len(read(tmp_path / name)) == 5
    for module in (containers, recordings):
        monkeypatch.setattr(module, "MAX_VIDEO_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(ImageError, match=f"more than {WIDTH * HEIGHT - 1}"):
        read(tmp_path / name)


def _jpegs(num: int) -> list[bytes]:
    return [
        encode(np.tile(np.arange(64, dtype=np.uint8)[:, None, None] + 20 * number, (1, 96, 3))) for number in range(num)
    ]


def _as_sent(jpegs: list[bytes], *, with_lengths: bool) -> bytes:
    """As a server sends them, up to the end of the last."""
    sent = b""
    for jpeg in jpegs:
        length = f"Content-Length: {len(jpeg)}\r\n".encode() if with_lengths else b""
        sent += b"--next\r\nContent-Type: image/jpeg\r\n" + length + b"\r\n" + jpeg + b"\r\n"
    return sent


@pytest.mark.parametrize("kind", ["bare", "with lengths", "without lengths"])
def test_a_cut_picture_of_motion_jpeg_is_told_and_a_whole_one_is_not(tmp_path: Path, kind: str) -> None:
    path, jpegs = tmp_path / "a.mjpeg", _jpegs(5)

    def problem_of(pictures: list[bytes], cut: int = 0) -> str | None:
        data = b"".join(pictures) if kind == "bare" else _as_sent(pictures, with_lengths=kind == "with lengths")
        path.write_bytes(data[: len(data) - cut])
        with open_path(path) as source:
            assert len(list(source.frames())) >= 4
            return source.problem

    told = "damaged places where pictures may be missing or wrong: 1"
    assert problem_of(jpegs) is None
    assert told in (problem_of(jpegs, cut=len(jpegs[-1]) // 3) or "")
    if kind == "bare":
        assert told in (problem_of([*jpegs[:2], jpegs[2][: len(jpegs[2]) * 2 // 3], *jpegs[3:]]) or "")
