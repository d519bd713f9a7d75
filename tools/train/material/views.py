"""One canvas -> one aligned crop as a bad camera and an imperfect detector would deliver it."""

from __future__ import annotations

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.pixels import degrade
from edge.pixels.faces import geometry
from tools.train.material.canvases import CANVAS_FACE_PX, CANVAS_PX
from tools.train.material.faults import families

_NAMES = np.array(degrade.NAMES)
WEIGHTS = np.array(
    [{"dark": 0.21, "motion": 0.18, "cctv": 0.2, "jpeg": 0.12, "haze": 0.06}.get(n, 0.09) for n in _NAMES]
)
WEIGHTS /= WEIGHTS.sum()
FAMILY_SHARE = 0.36
"""How often a fault comes from the broad families instead of the fixed list that is measured."""


def degraded(
    image: NDArray[np.uint8], face_px: float, rng: np.random.Generator, *, left_out: Collection[str] = ()
) -> tuple[NDArray[np.uint8], float]:
    """A random fault or two (or none, one time in four) and how bad it is, 0..5. `left_out` are families not used."""
    kind = rng.random()
    if kind < 0.25:
        return image, 0.0
    if rng.random() < FAMILY_SHARE:
        amount = float(rng.uniform(0.05, 1.0))
        name = families.draw(rng)
        if name not in left_out:
            image = families.apply(image, name, amount, rng)
        if kind < 0.6:
            return image, 2.5 * amount
        level = float(rng.uniform(0.3, 2.6))
        name = str(rng.choice(_NAMES, p=WEIGHTS))
        return degrade.apply(image, name, level, rng_or_seed=rng, face_px=face_px), max(level, 2.5 * amount)
    if kind < 0.86:
        level = float(rng.uniform(0.4, 5.0))
        name = str(rng.choice(_NAMES, p=WEIGHTS))
        return degrade.apply(image, name, level, rng_or_seed=rng, face_px=face_px), level
    levels = rng.uniform(0.4, 3.2, 2)
    for name, level in zip(rng.choice(_NAMES[:-1], 2, replace=False), levels, strict=True):
        image = degrade.apply(image, str(name), float(level), rng_or_seed=rng, face_px=face_px)
    return image, float(levels.max()) + 0.7


def tinted(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Another exposure, contrast and white balance; sometimes gray, as an infrared camera sees."""
    if rng.random() < 0.12:
        image = np.asarray(cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR), np.uint8)
    gamma, gain = np.exp(rng.normal(0, 0.25)), np.exp(rng.normal(0, 0.1, 3) + rng.normal(0, 0.12))
    ramp = (np.arange(256, dtype=np.float32)[:, None] / 255) ** gamma * gain + rng.normal(0, 0.03)
    table = np.clip(ramp * 255, 0, 255).astype(np.uint8)[:, None, :]
    return np.asarray(cv2.LUT(image, table))


def crop(canvas: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """(112, 112, 3) u8 BGR view of a canvas: tinted, captured at some distance, degraded, misaligned."""
    return pair(canvas, rng)[0]


def pair(
    canvas: NDArray[np.uint8], rng: np.random.Generator, *, left_out: Collection[str] = ()
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Two (112, 112, 3) u8 BGR crops at one place: as a bad camera delivers it, and clean."""
    whole = canvas
    if rng.random() < 0.4:
        canvas = tinted(canvas, rng)
    face_px, ratio = CANVAS_FACE_PX, 1.0
    if rng.random() < 0.35:
        side = round(CANVAS_PX * float(np.exp(rng.uniform(np.log(26), np.log(80)))) / CANVAS_FACE_PX)
        canvas = np.asarray(cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        ratio = side / CANVAS_PX
        face_px *= ratio
    canvas, level = degraded(np.ascontiguousarray(canvas), face_px, rng, left_out=left_out)
    loose = 1.0 + 0.25 * level
    angle, grow = rng.normal(0, 0.03) * loose, np.exp(rng.normal(0, 0.025) * loose)
    shift = rng.normal(0, 1.0, 2) * loose
    return _placed(canvas, angle, grow / ratio, shift), _placed(whole, angle, grow, shift)


def _placed(canvas: NDArray[np.uint8], angle: float, grow: float, shift: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The middle of a canvas, turned by `angle` rad, enlarged `grow` times and moved by `shift` px of the crop."""
    size = geometry.ALIGNED_PX
    cosine, sine = np.cos(angle) * grow, np.sin(angle) * grow
    linear = np.array([[cosine, -sine], [sine, cosine]])
    middle = (canvas.shape[0] - 1) / 2
    offset = np.array([(size - 1) / 2] * 2) + shift - linear @ np.array([middle] * 2)
    matrix = np.column_stack([linear, offset]).astype(np.float32)
    return np.asarray(cv2.warpAffine(canvas, matrix, (size, size), flags=cv2.INTER_LINEAR))


def compressed(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Slightly soft and JPEG-coded, as nearly every camera delivers."""
    image = degrade.apply(image, "lowres", float(rng.uniform(0.1, 0.8)), rng_or_seed=rng)
    return degrade.apply(image, "jpeg", float(rng.uniform(0.2, 2.0)), rng_or_seed=rng)


class BankedGenerator(np.random.Generator):
    """A generator whose normals are cut from one fixed long stretch: ten times faster, random enough for noise."""

    _bank = np.random.default_rng(20261122).standard_normal(1 << 21, dtype=np.float32)

    def standard_normal(self, size=None, dtype=np.float64, out=None):  # type: ignore[no-untyped-def]
        """As the parent's for float32 arrays of up to a million numbers, else exactly the parent's."""
        number = int(np.prod(size)) if size is not None else 0
        if dtype is not np.float32 or out is not None or not 0 < number <= 1 << 20:
            return super().standard_normal(size, dtype, out)
        start = int(self.integers(0, self._bank.size - number + 1))
        return self._bank[start : start + number].reshape(size).copy()


def generator(seed: int, step: int) -> BankedGenerator:
    """The generator of one batch."""
    return BankedGenerator(np.random.PCG64(np.random.SeedSequence([seed, step])))
