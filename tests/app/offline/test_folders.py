"""Everything in a folder is looked at, or it is said that it was not."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from edge.app.offline.contents import find_clips, open_clip, passed_over
from edge.app.offline.lines import detect
from edge.app.offline.process import process_files
from edge.capture.pictures.headers import holds_several
from edge.capture.sources import expected_frames, is_picture, open_path
from edge.cli.root import app
from edge.config import Config, DetectConfig
from edge.errors import ImageError
from tests.support.capture.clips import encode_video, scenes
from tests.support.media import encode, flat, write_gif


def levels(path: Path) -> list[int]:
    with open_clip(path) as source:
        return [round(float(frame.image.mean())) for frame in source.frames()]


def mixed(folder: Path) -> Path:
    """A GIF, a recording, two pictures, and what is neither."""
    write_gif(folder / "logo.gif", [flat(80), flat(90)])
    encode_video(folder / "clip.mp4", scenes(5), format="mp4")
    for number in (1, 2):
        (folder / f"face{number}.png").write_bytes(encode(flat(20 * number), ".png"))
    (folder / "notes.txt").write_text("text")
    (folder / ".hidden").write_text("text")
    (folder / "2025").mkdir()
    return folder


def test_pictures_beside_videos_are_a_clip_of_their_own(tmp_path: Path) -> None:
    found = find_clips(mixed(tmp_path))
    assert [(clip.camera, clip.path.name) for clip in found] == [
        ("clip", "clip.mp4"),
        ("logo", "logo.gif"),
        ("pictures", tmp_path.name),
    ]
    assert levels(found[2].path) == [20, 40]


def test_videos_that_differ_in_their_ending_alone_are_two_clips(tmp_path: Path) -> None:
    for name in ("door.mp4", "door.mkv"):
        encode_video(tmp_path / name, scenes(5), format={"mp4": "mp4", "mkv": "matroska"}[name[-3:]])
    assert [clip.camera for clip in find_clips(tmp_path)] == ["door.mkv", "door.mp4"]


def test_a_video_that_cant_be_read_costs_the_others_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    encode_video(folder / "clip.mp4", scenes(5), format="mp4")
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "noise.avi").write_bytes(bytes(range(256)) * 40)
    config, out = Config(data_dir=tmp_path / "data"), tmp_path / "out"
    told = process_files(config, folder, out, watchlist=None, degradation=None)
    assert expected_frames(folder / "empty.mp4") is None
    assert [(clip["clip"], clip["frames"]) for clip in told["clips"]] == [("clip", 5), ("empty", 0), ("noise", 0)]
    assert "is empty" in told["clips"][1]["problem"]
    assert "is not a video" in told["clips"][2]["problem"]
    assert "empty.mp4: is empty" in (out / "report.html").read_text("utf-8")
    heard: list[str] = []
    assert len(list(detect(config, [folder], heard.append))) == 5
    assert len(heard) == 2
    (folder / "clip.mp4").unlink()
    for call in (
        lambda: process_files(config, folder, out, watchlist=None, degradation=None),
        lambda: list(detect(config, [folder], heard.append)),
        lambda: list(detect(config, [folder / "empty.mp4"], heard.append)),
    ):
        with pytest.raises(ImageError, match=r"empty\.mp4: is empty"):
            call()


def test_what_is_passed_over_is_named(tmp_path: Path) -> None:
    assert passed_over(mixed(tmp_path)) == [
        f"{tmp_path / '2025'}: not looked at; it is a folder in the folder",
        f"{tmp_path / 'notes.txt'}: not looked at; it is no picture or video by its ending",
    ]
    assert passed_over(tmp_path / "clip.mp4") == []


def test_detect_looks_at_a_whole_folder_and_tells_what_it_passes_over(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    folder = mixed(tmp_path / "in")
    (folder / "broken.png").write_text("text")
    done = CliRunner().invoke(app, ["detect", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    seen = [json.loads(line)["path"] for line in done.stdout.splitlines()]
    assert [seen.count(str(folder / name)) for name in ("clip.mp4", "logo.gif", "")] == [5, 2, 2]
    assert "1 of 3 images left out" in done.stderr
    assert "notes.txt: not looked at" in done.stderr


def animation(path: Path) -> None:
    animated = cv2.Animation()
    animated.frames, animated.durations = [flat(20), flat(90), flat(160)], [100, 100, 100]
    assert cv2.imwriteanimation(str(path), animated)


@pytest.mark.parametrize("name", ["a.webp", "a.png", "a.tif", "a.avif"])
def test_a_file_of_several_pictures_says_that_one_was_looked_at(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name == "a.tif":
        assert cv2.imwritemulti(str(path), [flat(20), flat(90)])
    else:
        animation(path)
    with open_path(path) as source:
        assert len(list(source.frames())) == 1
    assert source.problem is not None
    assert "holds several pictures, and only the first was looked at" in source.problem
    (tmp_path / f"one{path.suffix}").write_bytes(encode(flat(20), path.suffix))
    with open_path(tmp_path / f"one{path.suffix}") as source:
        assert len(list(source.frames())) == 1
    assert source.problem is None


def test_a_smaller_copy_in_a_tiff_is_no_other_picture() -> None:
    def directory(entry: tuple[int, int, int, int], behind: int) -> bytes:
        return struct.pack("<HHHIII", 1, *entry, behind)

    def tiff(kind: int) -> bytes:
        return b"II*\0" + struct.pack("<I", 8) + directory((256, 4, 1, 9), 26) + directory((254, 4, 1, kind), 0)

    assert holds_several(tiff(0))
    assert not holds_several(tiff(1))
    assert not holds_several(b"II*\0" + struct.pack("<I", 8) + directory((256, 4, 1, 9), 8)), "it points at itself"
    assert not holds_several(b"II*\0\xff\xff\xff\xff")


def test_files_are_what_they_hold_not_what_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "face.mp4").write_bytes(encode(flat(60)))
    (tmp_path / "hall.mov").write_bytes(encode(flat(90), ".png"))
    encode_video(tmp_path / "door.jpg", scenes(5), format="mp4")
    (tmp_path / "torn.mp4").write_bytes(b"nothing known")
    found = find_clips(tmp_path)
    assert [(clip.camera, clip.path.name) for clip in found] == [
        ("door", "door.jpg"),
        ("torn", "torn.mp4"),
        ("pictures", tmp_path.name),
    ]
    assert levels(found[-1].path) == [60, 90]
    assert levels(tmp_path / "face.mp4") == [60]
    assert len(levels(tmp_path / "door.jpg")) == 5
    assert expected_frames(tmp_path / "face.mp4") == 1
    assert passed_over(tmp_path) == []
    # As a camera shows a folder: by endings, and whatever is no picture is named.
    with open_path(tmp_path) as source, pytest.raises(ImageError, match=r"door\.jpg: is a video, not a picture"):
        list(source.frames())


def test_a_bare_stream_of_one_jpeg_is_still_a_stream(tmp_path: Path) -> None:
    (tmp_path / "a.mjpeg").write_bytes(encode(flat(60)))
    assert not is_picture(tmp_path / "a.mjpeg")
    assert levels(tmp_path / "a.mjpeg") == [60]


def test_small_faces_that_large_frames_may_hide_are_told_of(tmp_path: Path) -> None:
    encode_video(tmp_path / "large.mp4", scenes(4, 1600, 160), format="mp4")
    encode_video(tmp_path / "small.mp4", scenes(4), format="mp4")

    def notes(name: str, tiles: int) -> list[str]:
        config = Config(data_dir=tmp_path / "box", detect=DetectConfig(tiles=tiles))
        done = process_files(config, tmp_path / name, tmp_path / "out", watchlist=None, degradation=None)
        return [note for note in done["notes"] if "tiles = 2" in note]

    (told,) = notes("large.mp4", 1)
    assert "Frames of 1600 px were searched whole, shrunk to 640 px: faces narrower than about 40 px" in told
    assert notes("large.mp4", 2) == notes("small.mp4", 1) == []
