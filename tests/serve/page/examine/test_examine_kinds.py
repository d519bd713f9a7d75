"""Every kind of file that may be dropped is known by its first bytes, whatever it is called, and can be read."""

from __future__ import annotations

import io
from pathlib import Path

import aiohttp
import pytest

from edge.app.examine.queue import ExamineQueue
from edge.capture.sources import open_path
from edge.config import Config
from tests.support.capture.clips import encode_video
from tests.support.media import encode, numbered, write_clip, write_gif
from tests.support.web import run, running

VIDEOS = {"mp4": "mp4v", "avi": "MJPG", "mkv": "mp4v"}
EXPORTS = {
    "ts": ("mpegts", "libx264"),
    "mpg": ("mpeg", "mpeg2video"),
    "flv": ("flv", "flv"),
    "ogv": ("ogg", "libvpx"),
    "wmv": ("asf", "wmv2"),
    "h264": ("h264", "libx264"),
    "h265": ("hevc", "libx265"),
}
NUM_FRAMES = 6


def file_of(kind: str, folder: Path) -> bytes:
    images = numbered(NUM_FRAMES, 120, 160)
    if kind in VIDEOS:
        return write_clip(folder / f"clip.{kind}", images, codec=VIDEOS[kind]).read_bytes()
    if kind in EXPORTS:
        container, codec = EXPORTS[kind]
        return encode_video(folder / f"clip.{kind}", images, format=container, codec=codec)
    if kind == "gif":
        return write_gif(folder / "clip.gif", images).read_bytes()
    if kind == "heic":
        heif = pytest.importorskip("pillow_heif", reason="needs the extra `heif`")
        file = io.BytesIO()
        heif.encode("RGB", (160, 120), images[0].tobytes(), file, quality=90)
        return file.getvalue()
    return encode(images[0], f".{kind}")


def frames_in(folder: Path, kind: str) -> int:
    """Frames of the one file that was taken in, read as the worker reads them."""
    taken = [path for path in folder.rglob(f"*.{kind}") if path.is_file()]
    assert len(taken) == 1
    with open_path(taken[0]) as source:
        return sum(1 for _ in source.frames())


@pytest.mark.parametrize("kind", ["mp4", "avi", "mkv", "gif", "jpg", "png", "webp", "avif", "heic", "tif", *EXPORTS])
def test_each_kind_is_taken_in_and_can_be_read(tmp_path: Path, kind: str) -> None:
    data = file_of(kind, tmp_path)
    count = NUM_FRAMES if kind in {*VIDEOS, *EXPORTS, "gif"} else 1
    config = Config(data_dir=tmp_path / "data")

    async def check() -> None:
        # No worker is started: the file waits where it was put.
        async with running(tmp_path, examiner=lambda store: ExamineQueue(config)) as box:
            form = aiohttp.FormData()
            form.add_field("file", data, filename="from-a-phone.txt")
            headers = box.session("guard") | {"Origin": box.url, "Accept": "text/html"}
            async with box.http.post(f"{box.url}/examine", data=form, headers=headers, allow_redirects=False) as answer:
                assert answer.status == 303, await answer.text()
        assert frames_in(tmp_path / "data" / "examine", kind) == count

    run(check())
