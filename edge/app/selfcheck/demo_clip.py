"""The demo's clip: scikit-image's public-domain portrait walks through one of its scenes, seen by a CCTV camera."""

from __future__ import annotations

import math
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.capture.recorder import write_video
from edge.errors import ConfigError
from edge.pixels import compose, degrade

WIDTH, HEIGHT, FPS = 640, 480, 25.0
SECONDS = 12.0
INSTALLED = Path(sys.prefix).parent / "reference"
"""Where an installed release keeps its sealed clip: beside its virtual environment."""
PORTRAIT, SCENE = "portrait.png", "scene.png"
"""The pictures the clip is made of, for a device without scikit-image."""
_HEAD_AND_SHOULDERS = [((222, 118), (82, 108)), ((225, 420), (175, 210))]
"""Ellipses that cut the person out of the 512 x 512 portrait."""
_FACE_PX = 92.0
"""Width of the face in the portrait; the degradations scale with it."""


def portrait() -> BgrImage:
    """The clean portrait, (512, 512, 3) uint8 BGR (astronaut E. Collins, NASA, public domain)."""
    return read_image(INSTALLED / PORTRAIT) if (INSTALLED / PORTRAIT).is_file() else _scikit_image("astronaut")


def scene() -> BgrImage:
    """Return the scene the portrait moves through, 640 x 480."""
    if (INSTALLED / SCENE).is_file():
        return read_image(INSTALLED / SCENE)
    return compose.fit(_scikit_image("stereo_motorcycle"), WIDTH, HEIGHT)


def render(path: Path, *, seconds: float = SECONDS, fault: str = "cctv:3", seed: int = 7) -> int:
    """Write the clip as an AVI and return its number of frames; the same every time."""
    return write_video(path, frames(seconds=seconds, fault=fault, seed=seed), FPS)


def frames(
    *, seconds: float = SECONDS, fault: str = "cctv:3", seed: int = 7, only: Collection[int] | None = None
) -> Iterator[BgrImage]:
    """Render one frame after the other, 640 x 480: coming closer, swaying, then away; empty for the first second.

    With `only` just the frames of these numbers, each as it is among the others.
    """
    person, place = portrait(), scene()
    mask = compose.soft_ellipses((512, 512), _HEAD_AND_SHOULDERS, 6.0)
    name, level = degrade.parse(fault)
    count = int(seconds * FPS)
    for number in range(count) if only is None else sorted(only):
        image, scale, pasted = place, 0.7, _pasted(number, seconds)
        if pasted is not None:
            scale, corner = pasted
            image = compose.paste(place, person, mask, scale=scale, corner=corner)
        yield degrade.apply(image, name, level, rng_or_seed=seed + number, face_px=_FACE_PX * scale)


def face_center(number: int, *, seconds: float = SECONDS) -> tuple[float, float] | None:
    """Where the middle of the face is in a frame, (x, y) px, which may lie outside; None while nobody is there."""
    pasted = _pasted(number, seconds)
    if pasted is None:
        return None
    scale, (x, y) = pasted
    return x + _HEAD_AND_SHOULDERS[0][0][0] * scale, y + _HEAD_AND_SHOULDERS[0][0][1] * scale


def _pasted(number: int, seconds: float) -> tuple[float, tuple[float, float]] | None:
    """Scale of the portrait in a frame and where its corner lies; None while nobody is there."""
    place_in_time = (number / FPS - 1.0) / max(seconds - 2.0, 1.0)
    if not 0 <= place_in_time <= 1:
        return None
    scale = 0.45 + 0.5 * math.sin(math.pi * place_in_time)
    x = -120 + place_in_time * (WIDTH - 120) + 14 * math.sin(number / 7)
    return scale, (x, HEIGHT - 470 * scale + 6 * math.sin(number / 4))


def _scikit_image(name: str) -> BgrImage:
    try:
        from skimage import data
    except ImportError:
        raise ConfigError("the demo renders its clip from scikit-image's pictures: pip install scikit-image") from None
    picture = getattr(data, name)()
    image = picture[0] if isinstance(picture, tuple) else picture
    return np.ascontiguousarray(image[:, :, ::-1])
