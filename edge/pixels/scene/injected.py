"""What can happen to a camera or before it, made on purpose in a whole picture, to measure whether it is found.

Every function takes (H, W, 3) uint8 BGR, 0..255, and returns a new picture of that size; sizes in shares of the width.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr


def light(image: BgrImage, gain: float, noise: float, rng: np.random.Generator) -> BgrImage:
    """Other light, `gain` times as bright, with a sensor's noise of that deviation in levels of 255."""
    require_bgr(image)
    # A wide field of noise, cut anew for each frame: drawing one for every frame takes most of the time.
    height, width = image.shape[:2]
    field = _noise_field(height + 64, 3 * width + 192)
    top, left = (int(v) for v in rng.integers(0, (64, 192)))
    grain = field[top : top + height, left : left + 3 * width].reshape(image.shape) * np.float32(noise)
    if rng.random() < 0.5:
        grain = grain[::-1, ::-1]
    return np.clip(image * np.float32(gain) + grain + np.float32(0.5), 0, 255).astype(np.uint8)


def lamp(image: BgrImage, x: float, y: float, strength: float) -> BgrImage:
    """One more lamp: the picture around (x, y), shares of width and height, gets up to `strength` times brighter."""
    rows, columns = _places(image)
    near = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 0.12)
    return np.clip(image * (1 + (strength - 1) * near[..., np.newaxis]), 0, 255).astype(np.uint8)


def passer(image: BgrImage, x: float, color: int) -> BgrImage:
    """Somebody near, whose middle is at `x`: an eighth of the width and most of the height is hidden."""
    out = image.copy()
    height, width = image.shape[:2]
    middle, half = int(x * width), width // 16
    cv2.ellipse(out, (middle, int(height * 0.7)), (half, int(height * 0.45)), 0, 0, 360, (color, color, color + 20), -1)
    cv2.circle(out, (middle, int(height * 0.2)), half // 2, (color + 60, color + 70, color + 90), -1)
    return out


def rain(image: BgrImage, drops: int, rng: np.random.Generator) -> BgrImage:
    """Bright streaks, anywhere."""
    out = image.copy()
    height, width = image.shape[:2]
    for x, y, length in rng.integers((0, 0, 4), (width, height, 16), (drops, 3)):
        cv2.line(out, (int(x), int(y)), (int(x) - 2, int(y + length)), (200, 200, 200), 1)
    return out


def cover(image: BgrImage, level: float, share: float, slope: float) -> BgrImage:
    """A hand or cloth over `share` of the width: too near to be sharp, `level` bright, lit from one side by `slope`."""
    rows, columns = _places(image)
    cloth = level * (1 + slope * (columns - 0.5) + 0.3 * slope * np.sin(4 * rows))
    # The border of something so near is a wide blur.
    hidden = np.clip((share - columns) / 0.04 + 0.5, 0, 1) if share < 1 else np.ones_like(columns)
    mixed = image * (1 - hidden)[..., np.newaxis] + (cloth * hidden)[..., np.newaxis]
    return np.asarray(np.clip(mixed, 0, 255).astype(np.uint8))


def defocus(image: BgrImage, sigma: float) -> BgrImage:
    """A lens out of focus: Gaussian blur with a deviation of `sigma` shares of the width."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma * image.shape[1], borderType=cv2.BORDER_REFLECT), np.uint8)


def turn(image: BgrImage, across: float, down: float) -> BgrImage:
    """A camera that was turned: all is elsewhere, and what left at one side stands for the new at the other."""
    height, width = image.shape[:2]
    return np.asarray(np.roll(image, (round(down * height), round(across * width)), (0, 1)), np.uint8)


def roll(image: BgrImage, degrees: float) -> BgrImage:
    """A camera that was knocked: turned about its own line of sight, and a little nearer, so that no border shows."""
    height, width = image.shape[:2]
    how = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.15)
    return np.asarray(cv2.warpAffine(image, how, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def snow(image: BgrImage, rng: np.random.Generator) -> BgrImage:
    """What is left of a signal that is gone: gray noise, all of it new in each frame."""
    return np.repeat(rng.integers(0, 256, (*image.shape[:2], 1)), 3, 2).astype(np.uint8)


def wash_out(image: BgrImage, gain: float, veil: float) -> BgrImage:
    """Far too much light: `gain` times as bright under a veil of so many levels."""
    return np.asarray(np.clip(image.astype(np.float32) * np.float32(gain) + np.float32(veil), 0, 255).astype(np.uint8))


def recode(image: BgrImage, quality: int) -> BgrImage:
    """The picture after JPEG of that quality, 1..100: the noise of coding."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def blend(image: BgrImage, other: BgrImage, share: float) -> BgrImage:
    """A soft cut: `share` of the picture, 0..1, and the rest of another one of its size."""
    return np.asarray(cv2.addWeighted(image, share, other, 1 - share, 0), np.uint8)


def clock(image: BgrImage, seconds: int) -> BgrImage:
    """A running clock in a corner, as cameras write it."""
    out = image.copy()
    text = f"2026-11-28 {seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    scale = image.shape[1] / 900
    cv2.putText(out, text, (8, int(36 * scale) + 4), cv2.FONT_HERSHEY_SIMPLEX, scale, (255, 255, 255), 1)
    return out


@lru_cache(maxsize=8)
def _noise_field(height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((height, width), np.float32)


@lru_cache(maxsize=8)
def _grid(height: int, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    return rows / height, columns / width


def _places(image: BgrImage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Row and column of each pixel, (H, W) float32, 0..1."""
    height, width = require_bgr(image).shape[:2]
    return _grid(height, width)
