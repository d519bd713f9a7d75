"""Commands refuse bad input with one clear paragraph and the right exit code."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from edge.pixels.encode import to_jpeg, to_png
from tests.support.appliance import Appliance, edge


def png_of_size(width: int, height: int) -> bytes:
    """A valid, tiny PNG file that unpacks to a huge picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0" * ((width + 7) // 8 + 1) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def bad_files(folder: Path) -> dict[str, Path]:
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    jpeg = to_jpeg(picture)
    content = {
        "empty.jpg": b"",
        "text.jpg": b"this is no picture at all\n" * 40,
        "truncated.jpg": jpeg[: len(jpeg) // 3],
        "huge.png": png_of_size(16000, 16000),
        "text.mp4": b"this is no video\n" * 40,
        "empty.mp4": b"",
    }
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in content}


@pytest.mark.parametrize("name", ["empty.jpg", "text.jpg", "truncated.jpg", "huge.png", "text.mp4", "empty.mp4"])
def test_bad_files_are_refused(tmp_path: Path, name: str) -> None:
    path = bad_files(tmp_path)[name]
    done = edge("detect", path, "--json")
    assert done.returncode == 65, (done.stdout, done.stderr)
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_embed_goes_on_after_a_bad_image(tmp_path: Path, portrait: Path) -> None:
    paths = bad_files(tmp_path)
    listed = tmp_path / "list.txt"
    listed.write_text(f"{paths['text.jpg']}\n{portrait}\n", "utf-8")
    done = edge("embed", "--list", listed, "--json")
    assert done.returncode == 0, done.stderr
    bad, good = map(json.loads, done.stdout.splitlines())
    assert bad["embedding"] is None
    assert "text.jpg" in bad["reason"]
    assert np.linalg.norm(good["embedding"]) == pytest.approx(1, abs=1e-4)
    assert len(good["landmarks"]) == 5
    assert {"sharpness", "luma", "noise", "yaw_deg", "eye_distance_px", "score"} <= set(good["quality"])


def test_detect_finds_the_portrait(portrait: Path) -> None:
    for detector in ("default", "haar"):
        done = edge("detect", portrait, "--detector", detector, "--json")
        assert done.returncode == 0, done.stderr
        line = json.loads(done.stdout)
        assert (line["width"], line["height"], line["frame"]) == (512, 512, 0)
        x1, y1, x2, y2 = line["detections"][0]["box"]
        assert 150 < (x1 + x2) / 2 < 290
        assert 60 < (y1 + y2) / 2 < 200


def test_aligned_crops_only(tmp_path: Path, portrait: Path) -> None:
    crop = tmp_path / "crop.png"
    crop.write_bytes(to_png(np.full((112, 112, 3), 90, np.uint8)))
    done = edge("embed", "--aligned", crop, portrait, "--json")
    good, bad = map(json.loads, done.stdout.splitlines())
    assert len(good["embedding"]) == 128
    assert "112 x 112" in bad["reason"]


def test_usage_errors_exit_2(tmp_path: Path) -> None:
    assert edge("process", "--out", tmp_path).returncode == 2
    assert edge("token", "add", "x", "--scope", "everything", "--config", tmp_path / "none.toml").returncode == 2
    assert edge("no-such-command").returncode == 2


def test_missing_source_and_unwritable_out(tmp_path: Path, portrait: Path) -> None:
    assert edge("process", tmp_path / "none.mp4", "--out", tmp_path / "o").returncode == 65
    blocked = tmp_path / "file"
    blocked.write_text("x", "utf-8")
    done = edge("process", portrait, "--out", blocked)
    assert done.returncode == 74
    assert str(blocked) in done.stderr


def test_truncated_video_is_processed_and_said(tmp_path: Path, demo_clip: Path) -> None:
    data = demo_clip.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: len(data) // 2])
    done = Appliance(tmp_path).edge("process", cut, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    clip = json.loads(done.stdout)["clips"][0]
    assert 0 < clip["frames"] < 300
    assert clip["problem"]
