"""Families of faults of light: fog, contrast, backlight, shadow, clipping, color, tone curves.

Each takes (H, W, 3) u8 BGR, a strength of 0..1 and a generator, and gives a new picture of that shape.
"""

from __future__ import annotations

import cv2
import numpy as np

from tools.train.material.faults.values import Image, smooth_field, to_u8, with_noise


def veil(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Fog, a dirty dome or stray light: contrast pulled towards an even or uneven veil of any brightness."""
    keep = 1 - amount * float(rng.uniform(0.5, 0.93))
    tone = float(rng.uniform(40, 245)) + rng.normal(0, 8, 3).astype(np.float32)
    share = np.asarray(1 - keep, np.float32)
    if rng.random() < 0.5:
        uneven = 0.6 + 0.4 * smooth_field(image, int(rng.integers(2, 5)), rng)
        share = np.asarray(share * uneven[..., None], np.float32)
    mixed = image.astype(np.float32) * (1 - share) + tone.astype(np.float32) * share
    return with_noise(np.asarray(mixed, np.float32), float(rng.uniform(0, 4)), rng)


def flat(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Low contrast about the picture's own mean, anywhere on the scale, then few codes."""
    keep = 1 - amount * float(rng.uniform(0.5, 0.92))
    mean = image.reshape(-1, 3).mean(0)
    level = float(rng.uniform(50, 215))
    return with_noise((image - mean).astype(np.float32) * keep + np.float32(level), float(rng.uniform(0, 3)), rng)


def backlight(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A face dark before a bright window: gamma and a glow from outside."""
    unit = (image.astype(np.float32) / 255) ** np.float32(1 + 2.2 * amount)
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cx, cy = rng.uniform(-0.4, 1.4, 2)
    far = np.hypot(x / width - cx, y / height - cy)
    glow = np.exp(-((far / rng.uniform(0.25, 0.8)) ** 2))[..., None] * np.float32(amount * rng.uniform(0, 0.7))
    return with_noise((unit * (1 - glow) + glow) * 255, float(rng.uniform(0, 5)) * amount, rng)


def shadow(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Light from one side, or a hard shadow across the face."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle) + rng.uniform(-0.2, 0.2)
    edge = 1 / (1 + np.exp(-along / rng.uniform(0.01, 0.3)))
    light = 1 - edge * np.float32(amount * rng.uniform(0.5, 0.92))
    return with_noise(image * light[..., None].astype(np.float32), float(rng.uniform(0, 4)), rng)


def overexposed(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Too much light: highlights clip, as under a lamp or an infrared ring."""
    gain = np.float32(1 + amount * rng.uniform(0.5, 2.2))
    lit = image.astype(np.float32) * gain
    if rng.random() < 0.5:
        height, width = image.shape[:2]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        spot = np.exp(-(((x / width - 0.5) ** 2 + (y / height - rng.uniform(0.3, 0.7)) ** 2) / rng.uniform(0.05, 0.3)))
        lit = image * (1 + (gain - 1) * spot[..., None]).astype(np.float32) + 30 * amount * spot[..., None]
    return to_u8(np.asarray(lit, np.float32))


def lamp(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Sodium light, LED colors, a wrong white balance, weak or strong color."""
    gain = np.exp(rng.normal(0, 0.45 * amount, 3)).astype(np.float32)
    gray = image.mean(2, keepdims=True, dtype=np.float32)
    color = np.float32(np.clip(1 + rng.normal(0, 0.6) * amount, 0, 1.8))
    return to_u8((gray + (image - gray) * color) * gain)


def gamma(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A tone curve of another maker: gamma, S-curve or local contrast (CLAHE)."""
    if rng.random() < 0.35:
        lab = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
        equal = cv2.createCLAHE(1 + 5 * amount, (4, 4))
        lab[..., 0] = equal.apply(lab[..., 0])
        return np.asarray(cv2.cvtColor(lab, cv2.COLOR_YCrCb2BGR))
    power = float(np.exp(rng.normal(0, 0.7) * amount))
    ramp = (np.arange(256) / 255.0) ** power
    if rng.random() < 0.4:
        ramp = 1 / (1 + np.exp(-(ramp - 0.5) * (4 + 8 * amount)))
        ramp = (ramp - ramp[0]) / (ramp[-1] - ramp[0])
    return np.asarray(cv2.LUT(image, (ramp * 255 + 0.5).astype(np.uint8)))
