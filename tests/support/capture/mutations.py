"""Damaged and hostile recordings, drawn from a seed, and a process that takes them one after the other.

python -m tests.support.capture.mutations FOLDER       runs the pipeline over each file; a line a file, and nothing else
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.random import Generator

from tests.support.capture.clips import encode_video, scenes, woven

_SUFFIXES = (".mp4", ".ts", ".avi", ".mkv", ".mpg", ".h264", ".mjpeg", ".bin", "", ".m3u8", ".sdp", ".gif")
_QUIET = {"x265-params": "log-level=none"}


def bases(folder: Path) -> list[bytes]:
    """One small clip of each kind."""
    images = scenes(16)
    kinds = [
        ("mp4", "libx264", {"rotation": 90, "aspect": Fraction(1, 2)}),
        ("mov", "mpeg4", {}), ("matroska", "libx264", {}),
        ("webm", "libvpx", {}), ("avi", "mpeg4", {}), ("mpegts", "libx264", {}), ("mpeg", "mpeg2video", {}),
        ("flv", "flv", {}), ("h264", "libx264", {}), ("hevc", "libx265", {"options": _QUIET}), ("asf", "wmv2", {}),
        ("mjpeg", "mjpeg", {"pixels": "yuvj420p"}), ("mpjpeg", "mjpeg", {"pixels": "yuvj420p"}), ("ogg", "libvpx", {}),
        ("mxf", "mpeg2video", {}), ("gif", "gif", {"pixels": "rgb8"}), ("ivf", "libvpx", {}), ("m4v", "mpeg4", {}),
    ]  # fmt: skip
    made = [encode_video(folder / "base", images, format=name, codec=codec, **more) for name, codec, more in kinds]  # type: ignore[arg-type]
    for name, codec in (("mpeg", "mpeg2video"), ("avi", "mpeg4")):
        woven_images = woven(scenes(32))
        made.append(encode_video(folder / "base", woven_images, format=name, codec=codec, is_interlaced=True))
    return made


def playlists(canary: Path, port: int) -> list[bytes]:
    """Texts that would make FFmpeg read the file `canary` or the port of this machine."""
    address = f"http://127.0.0.1:{port}/x.ts"
    return [
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{place}\n#EXT-X-ENDLIST\n".encode()
        for place in (canary, address)
    ] + [
        f"ffconcat version 1.0\nfile {canary}\nfile {address}\n".encode(),
        f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video {port} RTP/AVP 96\r\n".encode(),
        f'<?xml version="1.0"?><MPD><Period><BaseURL>{address}</BaseURL></Period></MPD>'.encode(),
        b"\x00\x00\x00\x20ftypqt  " + bytes(20) + b"\x00\x00\x00\x80moovrmrardrf url " + f"{address}\x00".encode(),
        f"[reference]\r\nRef1={address}\r\n".encode(),
    ]


def mutated(originals: list[bytes], texts: list[bytes], rng: Generator) -> bytes:
    """One more recording: cut, flipped, overwritten, put together, or with a playlist before or in it."""
    data = bytearray(originals[rng.integers(len(originals))])
    for _ in range(int(rng.integers(1, 4))):
        data = _MUTATIONS[rng.integers(len(_MUTATIONS))](data, originals, texts, rng)
    return bytes(data)


def _cut(data: bytearray, originals: list[bytes], texts: list[bytes], rng: Generator) -> bytearray:
    return data[: int(rng.integers(1, len(data) + 1))] or data


def _behead(data: bytearray, originals: list[bytes], texts: list[bytes], rng: Generator) -> bytearray:
    return data[int(rng.integers(0, max(1, len(data) // 2))) :] or data


def _flip(data: bytearray, originals: list[bytes], texts: list[bytes], rng: Generator) -> bytearray:
    end = len(data) if rng.random() < 0.5 else min(len(data), 600)  # half of the damage goes to the headers
    for at in rng.integers(0, end, int(rng.integers(1, 40))):
        data[at] ^= 1 << int(rng.integers(8))
    return data


def _overwrite(data: bytearray, originals: list[bytes], texts: list[bytes], rng: Generator) -> bytearray:
    at, size = int(rng.integers(len(data))), int(rng.integers(1, 64))
    value = (rng.bytes(size), b"\xff" * size, bytes(size), b"\x7f" + b"\xff" * 7)[rng.integers(4)]
    data[at : at + len(value)] = value
    return data


def _join(data: bytearray, originals: list[bytes], texts: list[bytes], rng: Generator) -> bytearray:
    return data + originals[rng.integers(len(originals))]


def _insert_text(data: bytearray, originals: list[bytes], texts: list[bytes], rng: Generator) -> bytearray:
    at = 0 if rng.random() < 0.5 else int(rng.integers(len(data)))
    return data[:at] + texts[rng.integers(len(texts))] + data[at:]


_MUTATIONS: tuple[Callable[[bytearray, list[bytes], list[bytes], Generator], bytearray], ...] = (
    _cut, _behead, _flip, _flip, _overwrite, _join, _insert_text
)  # fmt: skip


def write_mutations(folder: Path, count: int, seed: int, canary: Path, port: int) -> list[Path]:
    """Write that many files, with endings that agree with their bytes or not."""
    rng, texts = np.random.default_rng(seed), playlists(canary, port)
    folder.mkdir(parents=True, exist_ok=True)
    originals = bases(folder)
    (folder / "base").unlink()
    written = []
    for number in range(count):
        suffix = _SUFFIXES[rng.integers(len(_SUFFIXES))]
        written.append(folder / f"m{number:05}{suffix}")
        written[-1].write_bytes(mutated(originals, texts, rng))
    return written


def _run(folder: Path) -> Iterator[str]:
    """Run `edge process`'s pipeline over each file; an error that is not meant for people ends the process."""
    from edge.app.build import load_active_list, load_models
    from edge.app.offline.clips import process
    from edge.app.offline.contents import find_clips
    from edge.config import Config, load
    from edge.errors import EdgeError
    from edge.store import Store

    models = load_models(load())
    with Store.open(folder / "data") as store:
        people = load_active_list(store, models)
        for path in sorted(folder.glob("m*")):
            yield f"begins {path.name}"
            try:
                results = list(process(Config(), models, people, find_clips(path)))
                yield f"{path.name} {results[0].frames} frames, {results[0].problem or 'whole'}"
            except EdgeError as error:
                yield f"{path.name} {error}"


if __name__ == "__main__":
    os.environ.setdefault("EDGE_RUNTIME__THREADS", "1")
    for line in _run(Path(sys.argv[1])):
        print(line.replace("\n", " "), flush=True)
