"""A rendered camera picture of 1280 x 720 px at 30 frames/s: four people of the public pictures, or nobody."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np

from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.pixels import compose
from edge.pixels.resize import resize

WIDTH, HEIGHT, FPS = 1280, 720, 30
PEOPLE = 4
HEAD = [((125, 115), (62, 82)), ((125, 260), (110, 70))]
"""Ellipses of head and shoulders in a picture of LFW, 250 x 250 px."""
NOISE = 2.0
"""Standard deviation of the sensor's noise, of 255."""
ENTER_S = 0.5
"""Seconds until the people are there."""


def pictures(data: Path) -> list[Path]:
    """One picture of each of four people of LFW, the same every time."""
    found = sorted((data / "faces" / "lfw" / "images").rglob("*_0001.jpg"))
    return [found[len(found) * number // PEOPLE] for number in range(PEOPLE)]


def frames(people: list[BgrImage], seconds: float, *, quiet_s: float = 0.0) -> Iterator[BgrImage]:
    """Frames with everybody walking on the spot for `seconds`, then nobody for `quiet_s`."""
    place = resize(demo_clip.scene(), HEIGHT, WIDTH)
    mask = compose.soft_ellipses((250, 250), HEAD, 5.0)
    rng = np.random.default_rng(5)
    noise = np.rint(rng.normal(0, NOISE, (HEIGHT + 64, WIDTH + 64, 3))).astype(np.int16)
    for number in range(round((seconds + quiet_s) * FPS)):
        image = place
        at = number / FPS
        if ENTER_S <= at < seconds:
            for index, person in enumerate(people):
                x = 60 + 300 * index + 40 * math.sin(at * (0.9 + 0.2 * index))
                y = 160 + 90 * (index % 2) + 12 * math.sin(at * 5 + index)
                image = compose.paste(image, person, mask, scale=0.8 + 0.1 * index, corner=(x, y))
        top, left = rng.integers(0, 64, 2)
        # Whole levels, added in one step: rendering a minute must not take longer than watching it.
        noisy = cv2.add(image, noise[top : top + HEIGHT, left : left + WIDTH], dtype=cv2.CV_8U)
        yield np.asarray(noisy, np.uint8)


def write(path: Path, images: Iterator[BgrImage]) -> int:
    """Write H.264 as a camera sends it, a key frame every two seconds; return the number of frames."""
    count = 0
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "g": "60", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", 4_000_000
        for image in images:
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            file.mux(stream.encode(frame))
            count += 1
        file.mux(stream.encode())
    return count


def people(data: Path) -> list[BgrImage]:
    """Their pictures, (250, 250, 3) uint8 BGR."""
    return [np.ascontiguousarray(cv2.resize(read_image(path), (250, 250))) for path in pictures(data)]
