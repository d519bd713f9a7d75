"""What a recording holds beyond its first pictures is read, or it is said that it was not."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import OutputContainer
from av.video.frame import VideoFrame

from edge.capture.sources import open_path
from tests.support.capture.clips import HEIGHT, WIDTH, encode_video, scenes

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}


def read(path: Path) -> tuple[list[float], str | None]:
    """Times of all frames, and what is wrong with the recording."""
    with open_path(path) as source:
        times = [frame.media_s or 0.0 for frame in source.frames()]
    return times, source.problem


def fragmented(number: int) -> bytes:
    """An MP4 in fragments, as cameras write it, of so many frames."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options=FRAGMENTED) as container:
        assert isinstance(container, OutputContainer)
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in scenes(number):
            container.mux(stream.encode(VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mp4", {"format": "mp4"}),
        ("a.mov", {"format": "mov"}),
        ("a.flv", {"format": "flv", "codec": "flv"}),
        ("a.mkv", {"format": "matroska"}),
        ("live.mkv", {"format": "matroska", "options": {"live": "1"}}),
        ("a.webm", {"format": "webm", "codec": "libvpx"}),
        ("a.wmv", {"format": "asf", "codec": "wmv2"}),
        ("a.ivf", {"format": "ivf", "codec": "libvpx"}),
        ("a.avi", {"format": "avi", "codec": "mpeg4"}),
    ],
)
def test_recordings_put_behind_one_another_are_all_read(tmp_path: Path, name: str, kind: dict[str, Any]) -> None:
    data = encode_video(tmp_path / name, scenes(20), **kind)
    (tmp_path / name).write_bytes(data * 3)
    times, problem = read(tmp_path / name)
    assert times == pytest.approx([number / 25 for number in range(60)], abs=2e-3)
    assert problem is None
    assert read(tmp_path / name)[0] == times


def test_fragments_put_behind_one_another_are_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(fragmented(20))
    assert len(read(path)[0]) == 20
    path.write_bytes(fragmented(20) + fragmented(10))
    assert len(read(path)[0]) == 30


def test_a_part_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    data = encode_video(path, scenes(20), format="mp4")
    path.write_bytes(data + data.replace(b"moov", b"junk") + data)
    times, problem = read(path)
    assert len(times) == 40
    assert problem is not None
    assert "recordings in it that can't be read: 1 of 3" in problem


def test_a_video_beside_the_one_that_is_looked_at_is_told(tmp_path: Path) -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        assert isinstance(container, OutputContainer)
        streams: list[Any] = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in scenes(10):
            for stream in streams:
                container.mux(stream.encode(VideoFrame.from_ndarray(image, format="bgr24")))
        for stream in streams:
            container.mux(stream.encode(None))
    path = tmp_path / "a.mkv"
    path.write_bytes(file.getvalue())
    times, problem = read(path)
    assert len(times) == 10
    assert problem is not None
    assert "holds 2 videos side by side, and only the first was looked at" in problem


def test_damaged_pictures_are_counted_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    data = bytearray(encode_video(path, scenes(60), format="mp4"))
    begin, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    assert read(path)[1] is None
    first, last = begin + (end - begin) // 4, begin + (end - begin) * 3 // 4
    data[first:last] = bytes(last - first)
    path.write_bytes(data)
    times, problem = read(path)
    assert len(times) < 60
    assert problem is not None
    assert "damaged pictures that were left out: " in problem


def test_pictures_that_lost_packets_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    rng = np.random.default_rng(1)
    noise = [rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(10)]
    data = encode_video(path, noise, format="mpegts")
    assert read(path)[1] is None
    middle = len(data) // 188 // 2
    path.write_bytes(data[: middle * 188] + data[(middle + 5) * 188 :])
    problem = read(path)[1]
    assert problem is not None
    assert "damaged places where pictures may be missing or wrong: 1" in problem


def test_a_file_with_thousands_of_beginnings_ends_and_tells(tmp_path: Path) -> None:
    one = (16).to_bytes(4) + b"ftypisom" + bytes(4) + (8).to_bytes(4) + b"moov"
    path = tmp_path / "many.mp4"
    path.write_bytes(fragmented(4) + one * 20_000)
    times, problem = read(path)
    assert len(times) == 4
    assert problem is not None
    assert "recordings in it that can't be read: 20000 of 20001" in problem
