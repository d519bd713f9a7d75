"""Small media files for the capture tests, and a function that waits."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge.arrays import BgrImage


def flat(value: int, height: int = 48, width: int = 64) -> BgrImage:
    """A picture of one gray."""
    return np.full((height, width, 3), value, np.uint8)


def numbered(num: int, height: int = 48, width: int = 64) -> list[BgrImage]:
    """Pictures that each differ in brightness: 20, 30, 40 ..."""
    return [flat(20 + 10 * index % 220, height, width) for index in range(num)]


def write_clip(path: Path, images: list[BgrImage], fps: float = 25.0, codec: str = "mp4v") -> Path:
    """A video file of these pictures."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), fps, images[0].shape[1::-1])
    assert writer.isOpened()
    for image in images:
        writer.write(image)
    writer.release()
    return path


def write_gif(path: Path, images: list[BgrImage], ms: int = 100) -> Path:
    """A GIF of these pictures."""
    pictures = [Image.fromarray(image[:, :, ::-1]) for image in images]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=ms, loop=0)
    return path


def encode(image: NDArray[Any], suffix: str = ".jpg") -> bytes:
    """The picture as a file's bytes."""
    return cv2.imencode(suffix, image)[1].tobytes()


def png_of(mode: str, width: int, height: int) -> bytes:
    """A PNG of one colour in any of PIL's modes."""
    file = io.BytesIO()
    Image.new(mode, (width, height)).save(file, "PNG")
    return file.getvalue()


def wait_until(is_so: Callable[[], bool], within_s: float) -> float:
    """Seconds until `is_so()`; fails after `within_s`."""
    start = time.monotonic()
    while not is_so():
        assert time.monotonic() - start < within_s, f"not so within {within_s} s"
        time.sleep(0.02)
    return time.monotonic() - start
