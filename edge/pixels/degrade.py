"""The one implementation of the camera faults that training, tests and evaluation share.

Pure functions of an image, a level and a seed; no files, clocks or global state. Levels 1..5 are meant for a face about
110 px wide: kernels and shrink factors scale with `face_px`, sensor noise, light and JPEG quality do not, because they
belong to the camera and not to the distance. Levels between the whole numbers are interpolated (training uses them).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.arrays import require_bgr
from edge.errors import ImageError
from edge.pixels import path_faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.arrays import BgrImage

REFERENCE_FACE_PX = 110.0
MOTION_PX = (5.0, 9.0, 13.0, 17.0, 23.0)
BLUR_SIGMA_PX = (1.2, 2.0, 3.0, 4.0, 5.5)
LOWRES_FACTOR = (2.0, 3.0, 4.5, 6.0, 8.0)
DARK_LIGHT = (0.35, 0.22, 0.13, 0.08, 0.05)
# No source says how noisy a dark sensor is. With these values the public chain (YuNet, MobileFaceNet) fails about as
# often as published.
DARK_FULL_WELL = (3000.0, 2000.0, 1300.0, 750.0, 410.0)  # photo-electrons at white: fewer, so noisier
DARK_READ = (0.0010, 0.0015, 0.0024, 0.0040, 0.0068)  # read noise, linear light, white = 1
NOISE_READ_PER_LEVEL = 0.02
NOISE_SHOT_PER_LEVEL = 0.003
JPEG_QUALITY = (40.0, 25.0, 15.0, 10.0, 6.0)
HAZE_CONTRAST = (0.7, 0.5, 0.35, 0.25, 0.15)
HAZE_VEIL = 205.0
HAZE_NOISE_PER_LEVEL = 2.0  # codes; with it the public chain falls to about .87 at level 4, as on hazy cameras
CCTV_LIGHT = (0.8, 0.6, 0.4, 0.25, 0.15)
CCTV_MOTION_PX = (3.0, 5.0, 7.0, 9.0, 13.0)
CCTV_LOWRES_FACTOR = (1.3, 1.7, 2.2, 3.0, 4.0)
CCTV_DARK_LEVEL = (0.4, 0.8, 1.4, 3.2, 4.2)  # how noisy the sensor is, on the scale of `dark`
CCTV_JPEG_QUALITY = 40.0

_CODES = np.arange(65536, dtype=np.float32) / 65535.0
_TO_SRGB = np.where(_CODES <= 0.0031308, _CODES * 12.92, 1.055 * np.power(_CODES, 1 / 2.4) - 0.055)
_TO_SRGB_U8 = np.rint(_TO_SRGB * 255.0).astype(np.uint8)
_SRGB = np.arange(256, dtype=np.float32) / 255.0
_TO_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, np.power((_SRGB + 0.055) / 1.055, 2.4)).astype(np.float32)


def _at(table: tuple[float, ...], level: float, zero: float) -> float:
    """The table at a level, linear between entries; `zero` is its value at level 0."""
    return float(np.interp(level, range(len(table) + 1), (zero, *table)))


def _motion_kernel(length_px: float, angle_rad: float) -> NDArray[np.float32]:
    """(k, k) f32, sums to 1: a straight line of `length_px` through the middle, splatted bilinearly."""
    half = max(length_px - 1.0, 0.0) / 2.0
    radius = math.ceil(half)
    side = 2 * radius + 2
    along = np.linspace(-half, half, max(int(4 * length_px), 1))
    x, y = radius + along * math.cos(angle_rad), radius + along * math.sin(angle_rad)
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = x - column, y - row
    flat = row * side + column
    where = np.concatenate([flat, flat + 1, flat + side, flat + side + 1])
    weight = np.concatenate([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy])
    kernel = np.bincount(where, weight, minlength=side * side).reshape(side, side)[:-1, :-1]
    return np.ascontiguousarray(kernel / kernel.sum(), dtype=np.float32)


def _motion_blur(image: BgrImage, length_px: float, rng: np.random.Generator) -> BgrImage:
    angle = float(rng.uniform(0.0, math.pi))
    if length_px <= 1.0:
        return image
    return np.asarray(cv2.filter2D(image, -1, _motion_kernel(length_px, angle)), dtype=np.uint8)


def _shrink(image: BgrImage, factor: float) -> BgrImage:
    """Area-shrunk by `factor` and cubically enlarged to the size it had."""
    if factor <= 1.0:
        return image
    height, width = image.shape[:2]
    small = (max(round(width / factor), 1), max(round(height / factor), 1))
    shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _sensor(image: BgrImage, light: float, level: float, rng: np.random.Generator) -> BgrImage:
    """Less light, then Poisson-Gaussian noise (as a normal of signal-dependent variance), both in linear light."""
    linear = np.asarray(cv2.LUT(image, _TO_LINEAR), dtype=np.float32).reshape(image.shape)
    linear *= light
    read, gain = _at(DARK_READ, level, 0.0), 1.0 / _at(DARK_FULL_WELL, level, 10_000.0)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.sqrt(linear * gain + read * read)
    linear += noise
    codes = np.clip(linear * 65535.0 + 0.5, 0, 65535).astype(np.uint16)
    return np.asarray(_TO_SRGB_U8[codes])


def _jpeg(image: BgrImage, quality: float) -> BgrImage:
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    if not done:
        raise ImageError(f"degrade: JPEG encoding failed for an image of shape {image.shape}")
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def _dark(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    return _sensor(image, _at(DARK_LIGHT, level, 1.0), level, rng)


def _motion(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    return _motion_blur(image, _at(MOTION_PX, level, 1.0) * scale, rng)


def _blur(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    sigma = _at(BLUR_SIGMA_PX, level, 0.0) * scale
    return image if sigma < 0.1 else np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def _lowres(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    return _shrink(image, _at(LOWRES_FACTOR, level, 1.0) * scale)


def _noise(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    unit = image.astype(np.float32)
    unit *= 1 / 255.0
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= np.sqrt(unit * (NOISE_SHOT_PER_LEVEL * level) + (NOISE_READ_PER_LEVEL * level) ** 2)
    unit += noise
    return np.asarray(np.clip(unit * 255.0 + 0.5, 0, 255), dtype=np.uint8)


def _compress(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    return _jpeg(image, _at(JPEG_QUALITY, level, 95.0))


def _haze(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """Fog, a dirty dome or stray light: less contrast under a bright veil, then noise and 8 bits."""
    keep = np.float32(_at(HAZE_CONTRAST, level, 1.0))
    veiled = image.astype(np.float32) * keep + (1 - keep) * np.float32(HAZE_VEIL)
    veiled += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(HAZE_NOISE_PER_LEVEL * level)
    return np.asarray(np.clip(veiled + 0.5, 0, 255), dtype=np.uint8)


def _cctv(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    image = _motion_blur(image, _at(CCTV_MOTION_PX, level, 1.0) * scale, rng)
    image = _shrink(image, _at(CCTV_LOWRES_FACTOR, level, 1.0) * scale)
    image = _sensor(image, _at(CCTV_LIGHT, level, 1.0), _at(CCTV_DARK_LEVEL, level, 0.0), rng)
    return _jpeg(image, CCTV_JPEG_QUALITY)


_STEPS: dict[str, Callable[[BgrImage, float, float, np.random.Generator], BgrImage]] = {
    "dark": _dark,
    "motion": _motion,
    "blur": _blur,
    "lowres": _lowres,
    "noise": _noise,
    "jpeg": _compress,
    "haze": _haze,
    "cctv": _cctv,
    "jello": path_faults.jello,
    "shimmer": path_faults.shimmer,
    "moire": path_faults.moire,
    "packets": path_faults.packets,
    "flare": path_faults.flare,
    "reflection": path_faults.reflection,
    "dappled": path_faults.dappled,
    "cable": path_faults.cable,
}
ALL_NAMES = tuple(_STEPS)
NAMES = ("dark", "motion", "blur", "lowres", "noise", "jpeg", "haze", "cctv")
"""The fixed list: training and calibration draw from it."""
NEVER_TRAINED = ("shimmer", "moire", "cable")
"""Left out of all training and calibration: only measured, to know how models do on what they never saw. A name leaves
this list by becoming a family in `tools/train/material/faults/families.py`; a test holds `tools/train` to it."""


def parse(text: str) -> tuple[str, int]:
    """`"cctv:3"` -> `("cctv", 3)`; a name alone means level 3.

    Raises
    ------
    ImageError
        Unknown name, or a level that is not a whole number in 1..5.
    """
    name, _, level = text.partition(":")
    if name not in _STEPS:
        raise ImageError(f"degradation {text!r}: unknown name {name!r}; known are {', '.join(ALL_NAMES)}")
    if level and level not in {"1", "2", "3", "4", "5"}:
        raise ImageError(f"degradation {text!r}: the level must be a whole number from 1 to 5")
    return name, int(level or 3)


def apply(
    image: BgrImage,
    name: str,
    level: float,
    *,
    rng_or_seed: np.random.Generator | int,
    face_px: float = REFERENCE_FACE_PX,
) -> BgrImage:
    """A worse picture of the same scene.

    Parameters
    ----------
    image : (H, W, 3) u8, BGR, 0..255, sRGB
        Never written to.
    name : one of `ALL_NAMES`
    level : 0..5
        1..5 as docs/contract.md lists them; fractions are interpolated; 0 is nearly the original.
    rng_or_seed : numpy Generator (advanced by the call) or an integer seed
        Decides direction and noise: equal seeds give equal bytes.
    face_px : > 0, px
        Width of the faces in this image; blur lengths, sigmas and shrink factors are scaled by `face_px / 110`.

    Returns
    -------
    (H, W, 3) u8, BGR, 0..255
        A new array, or `image` itself where the scaled level changes nothing.

    Raises
    ------
    ImageError
        Wrong shape or dtype, empty image, unknown name, level outside 0..5, `face_px` not positive.

    Notes
    -----
    Sensor noise is the Poisson-Gaussian model of Foi et al. (2008), eq. 1, with the Poisson part as a normal of equal
    variance: at the electron counts used here the two differ by less than one 8-bit code.
    """
    require_bgr(image)
    if name not in _STEPS:
        raise ImageError(f"degrade: unknown name {name!r}; known are {', '.join(ALL_NAMES)}")
    if not 0.0 <= level <= 5.0 or not face_px > 0.0:
        raise ImageError(f"degrade: level must be in 0..5 and face_px positive, got {level} and {face_px}")
    rng = rng_or_seed if isinstance(rng_or_seed, np.random.Generator) else np.random.default_rng(rng_or_seed)
    return _STEPS[name](image, float(level), face_px / REFERENCE_FACE_PX, rng)
