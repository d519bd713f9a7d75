"""Recordings that were cut off, which is told wherever anybody can know it, and whole ones, where it is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.capture.sources import open_path
from edge.capture.video.endings import is_cut
from tests.support.capture.clips import encode_video, scenes
from tests.support.media import write_gif

QUIET = {"x265-params": "log-level=none"}


def problem_of(path: Path) -> str | None:
    with open_path(path) as source:
        assert sum(1 for _ in source.frames()) > 1
        return source.problem


KINDS = [
    ("a.ts", {"format": "mpegts", "codec": "libx265", "options": QUIET}),
    ("a.mkv", {"format": "matroska"}),
    ("a.avi", {"format": "avi", "codec": "mpeg4"}),
    ("a.flv", {"format": "flv", "codec": "flv"}),
    ("a.ogv", {"format": "ogg", "codec": "libvpx"}),
    ("ogg.dat", {"format": "ogg", "codec": "libvpx"}),
]


@pytest.mark.parametrize(("name", "kind"), KINDS, ids=[name for name, _ in KINDS])
@pytest.mark.parametrize("short", [1, 30, 150])
def test_a_few_bytes_that_are_missing_are_told(tmp_path: Path, name: str, kind: dict[str, object], short: int) -> None:
    path = tmp_path / name
    data = encode_video(path, scenes(40), **kind)  # type: ignore[arg-type]
    assert problem_of(path) is None
    path.write_bytes(data[:-short])
    assert "broke off after" in (problem_of(path) or "")


@pytest.mark.parametrize("before", [0, 4])
@pytest.mark.parametrize("start", [0, 777])
def test_packets_are_found_wherever_they_begin(tmp_path: Path, before: int, start: int) -> None:
    data = encode_video(tmp_path / "a.ts", scenes(20), format="mpegts")
    packets = b"".join(bytes(before) + data[at : at + 188] for at in range(0, len(data), 188))
    for cut in (0, 1, 100, 187):
        (tmp_path / "a.ts").write_bytes(packets[start : len(packets) - cut])
        assert is_cut(tmp_path / "a.ts") == (cut > 0)
    for rest in (bytes(2000), b"end of the recorder's index"):  # what a recorder wrote behind them is no packet
        (tmp_path / "a.ts").write_bytes(packets[start:] + rest)
        assert not is_cut(tmp_path / "a.ts")


def test_one_gray_is_no_packet(tmp_path: Path) -> None:
    (tmp_path / "a.yuv").write_bytes(b"G" * 9001)
    assert not is_cut(tmp_path / "a.yuv")


def test_a_box_that_is_not_all_there_is_told(tmp_path: Path) -> None:
    data = encode_video(tmp_path / "a.mp4", scenes(20), format="mp4")
    whole = data + (60).to_bytes(4) + b"free" + bytes(52)
    for added, cut in (((60).to_bytes(4) + b"free", True), ((0).to_bytes(4) + b"free", False), (b"", False)):
        (tmp_path / "a.mp4").write_bytes(whole + added)
        assert ("its end is missing" in (problem_of(tmp_path / "a.mp4") or "")) == cut


@pytest.mark.parametrize("kind", ["mp4", "matroska", "avi"])
def test_what_a_recorder_wrote_behind_a_whole_file_is_nothing_cut_off(tmp_path: Path, kind: str) -> None:
    data = encode_video(tmp_path / "whole", scenes(20), format=kind)
    path = tmp_path / "a.dat"
    for rest in (b"end of the recorder's index", b"A note of the recorder; " * 20, bytes(2000)):
        path.write_bytes(data + rest)
        assert problem_of(path) is None
        path.write_bytes(data[:-1])
        assert is_cut(path)


def test_a_matroska_file_that_was_sent_live_states_no_length(tmp_path: Path) -> None:
    data = encode_video(tmp_path / "a.mkv", scenes(20), format="matroska")
    at = data.index(b"\x18\x53\x80\x67") + 4
    assert data[at] == 0x01
    (tmp_path / "a.mkv").write_bytes(data[:at] + b"\x01" + b"\xff" * 7 + data[at + 8 :])
    assert problem_of(tmp_path / "a.mkv") is None


def test_a_gif_is_looked_at_under_any_name(tmp_path: Path) -> None:
    path = write_gif(tmp_path / "a.gif", scenes(6))
    data = path.read_bytes()
    (tmp_path / "gif.mp4").write_bytes(data)
    assert problem_of(tmp_path / "gif.mp4") is None
    (tmp_path / "gif.mp4").write_bytes(data[:-1])
    assert "broke off after 6 frames" in (problem_of(tmp_path / "gif.mp4") or "")


def test_pictures_of_a_bare_stream_that_were_cut_are_told(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (10, 96, 128, 3), np.uint8)
    for name, kind in (("a.h264", {"format": "h264"}), ("a.mpg", {"format": "mpeg", "codec": "mpeg2video"})):
        data = encode_video(tmp_path / name, list(noise), **kind)
        assert problem_of(tmp_path / name) is None
        (tmp_path / name).write_bytes(data[: len(data) * 3 // 4])
        assert "damaged" in (problem_of(tmp_path / name) or "")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.mkv", {"format": "matroska"}),
        ("a.wmv", {"format": "asf", "codec": "wmv2"}),
        ("a.avi", {"format": "avi", "codec": "mpeg4"}),
        ("a.mp4", {"format": "mp4"}),
    ],
)
def test_a_whole_recording_that_begins_late_at_a_changing_rate_is_not_called_short(
    tmp_path: Path, name: str, kind: dict[str, str]
) -> None:
    times = [5000 + 40 * number for number in range(10)] + [9000 + 500 * number for number in range(10)]
    encode_video(tmp_path / name, scenes(20), times_ms=times, **kind)  # type: ignore[arg-type]
    assert problem_of(tmp_path / name) is None


def test_frames_that_an_edit_list_leaves_out_are_not_missed(tmp_path: Path) -> None:
    encode_video(tmp_path / "a.mp4", scenes(20), format="mp4", times_ms=[40 * n - 400 for n in range(20)])
    with open_path(tmp_path / "a.mp4") as source:
        assert len(list(source.frames())) == 10
        assert source.problem is None
