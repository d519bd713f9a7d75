"""Decodes a picture in a process of its own, whose memory and time are in proportion to what its header says.

A TIFF, an AVIF or a HEIC may hold far more than its header tells, and only its library finds out. Such a process ends
on it; ours goes on and names the file. The child's side is `decoder`.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.errors import ImageError

_BASE_BYTES = 300_000_000
"""What the libraries take before there is a picture."""
_BYTES_PER_PIXEL = 14
"""Decoded planes, the colors of them, and a copy."""
_BYTES_PER_BYTE = 3
_BASE_S, _S_PER_MEGAPIXEL = 20, 2
_WALL_FACTOR = 6
"""Seconds by the clock for each of the processor: on a box whose cameras take all there is, a decoder waits."""
_MAX_HEADER = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may take: bytes of memory, and seconds of a processor."""

    data_bytes: int
    cpu_s: int

    @classmethod
    def of(cls, size: tuple[int, int], num_bytes: int) -> Limits:
        """In proportion to (width, height) as the header says, and to the bytes of the file."""
        pixels = size[0] * size[1]
        memory = _BASE_BYTES + _BYTES_PER_PIXEL * pixels + _BYTES_PER_BYTE * num_bytes
        return cls(memory, _BASE_S + _S_PER_MEGAPIXEL * pixels // 1_000_000)


def lower_limit(which: int, wanted: int) -> int:
    """Set a limit of this process for good, such as `RLIMIT_DATA`, unless it is lower already; return what it is."""
    hard = resource.getrlimit(which)[1]
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(which, (limit, limit))
    return limit


def decode(
    data: bytes, name: str, size: tuple[int, int], *, max_pixels: int | None = None
) -> tuple[BgrImage, tuple[str, ...], tuple[str, ...]]:
    """What makes a `Decoded`, its image shrunk to `max_pixels` where it has more; raises ImageError.

    `size` is (width, height) as its header says, and was found right.
    """
    image, answer = _ask(data, name, Limits.of(size, len(data)), max_pixels=max_pixels)
    return image, tuple(answer["notes"]), tuple(answer["conversion"])


def alpha_of(data: bytes, name: str, size: tuple[int, int]) -> tuple[NDArray[np.uint8] | None, bool]:
    """As `images.alpha_here`; a picture whose alpha can't be decoded has none."""
    try:
        alpha, answer = _ask(data, name, Limits.of(size, 2 * len(data)), wants_alpha=True)
    except ImageError:
        return None, False
    return (alpha if answer["has_alpha"] else None), answer["is_gray"]


def _ask(
    data: bytes, name: str, limits: Limits, *, max_pixels: int | None = None, wants_alpha: bool = False
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    order = asdict(limits) | {"max_pixels": max_pixels, "wants_alpha": wants_alpha}
    command = [sys.executable, "-m", "edge.capture.pictures.decoder", json.dumps(order)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # each thread of it takes memory that no picture needs
    ) as child:
        watch = threading.Timer(limits.cpu_s * _WALL_FACTOR, child.kill)
        watch.daemon = True
        watch.start()
        try:
            given = _exchange(child, data, name)
        finally:
            watch.cancel()
            child.kill()
    if given is None:
        memory, seconds = limits.data_bytes // 1_000_000, limits.cpu_s
        raise ImageError(
            f"{name}: its decoder gave up, for it is damaged or takes more than the {memory} MB of memory and "
            f"{seconds} s of a processor of a picture of its size; save the picture again as a plain JPEG"
        )
    return given


def _exchange(
    child: subprocess.Popen[bytes], data: bytes, name: str
) -> tuple[NDArray[np.uint8], dict[str, Any]] | None:
    """Give the child the file and take its picture and what it says of it; None where it ended without an answer."""
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[child.stdin.write(rest) :]
        child.stdin.close()
    except BrokenPipeError:
        return None
    told = child.stdout.readline(_MAX_HEADER)
    if not told.endswith(b"\n"):
        return None
    answer = json.loads(told)
    if "error" in answer:
        raise ImageError(f"{name}: {answer['error']}")
    image = np.empty(answer["shape"], np.uint8)
    left = image.reshape(-1).data
    while left:
        num_read = child.stdout.readinto(left)  # type: ignore[attr-defined]
        if not num_read:
            return None
        left = left[num_read:]
    return image, answer
