"""Families of faults of sensor and codec: few pixels, sharpening, noise reduction, noise, compression.

Each takes (H, W, 3) u8 BGR, a strength of 0..1 and a generator, and gives a new picture of that shape.
"""

from __future__ import annotations

import cv2
import numpy as np

from tools.train.material.faults.values import Image, to_u8, with_noise


def pixelated(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Shrunk and enlarged by other filters than the fixed list's: aliased, blocky, one direction only."""
    filters = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA, cv2.INTER_LANCZOS4)
    height, width = image.shape[:2]
    factor = 1 + amount * 0.045 * height * float(rng.uniform(0.3, 1))
    fx, fy = factor, factor * float(rng.choice([1.0, 1.0, 0.5, 2.0]))
    small = (max(int(width / max(fx, 1)), 8), max(int(height / max(fy, 1)), 8))
    shrunk = cv2.resize(image, small, interpolation=int(rng.choice(filters)))
    return np.asarray(cv2.resize(shrunk, (width, height), interpolation=int(rng.choice(filters[:3]))))


def sharpened(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A camera that sharpens too much: halos and grain."""
    soft = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.8, 3)))
    return np.asarray(cv2.addWeighted(image, 1 + 3 * amount, soft, -3 * amount, 0))


def smeared(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Noise and then strong noise reduction: skin like wax, or watercolor."""
    noisy = with_noise(image.astype(np.float32), 25 * amount, rng)
    if rng.random() < 0.5:
        return np.asarray(cv2.medianBlur(noisy, 3 if amount < 0.6 else 5))
    return np.asarray(cv2.bilateralFilter(noisy, 5, 20 + 100 * amount, 2 + 3 * amount))


def grain(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Noise with other statistics: coarse, colored, salt and pepper, fixed columns, rolling bands of a lamp."""
    height, width = image.shape[:2]
    kind, values = int(rng.integers(5)), image.astype(np.float32)
    if kind == 0:
        small = rng.standard_normal((max(height // 3, 1), max(width // 3, 1), 3), dtype=np.float32)
        values += cv2.resize(small, (width, height)) * np.float32(45 * amount)
    elif kind == 1:
        noise = rng.standard_normal(image.shape, dtype=np.float32)
        values += (noise - noise.mean(2, keepdims=True)) * np.float32(55 * amount)
    elif kind == 2:
        hit = rng.random((height, width)) < 0.12 * amount
        values[hit] = rng.choice([0.0, 255.0], (int(hit.sum()), 1))
    elif kind == 3:
        values += rng.standard_normal((1, width, 1), dtype=np.float32) * np.float32(22 * amount)
    else:
        rows = np.arange(height, dtype=np.float32)[:, None, None]
        wave = np.sin(rows * np.float32(2 * np.pi / rng.uniform(0.1, 1.5) / height) + np.float32(rng.uniform(0, 6)))
        values *= 1 - np.float32(0.6 * amount) * (0.5 + 0.5 * wave)
    return to_u8(values)


def coded(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Other codecs: WebP (the transform of VP8), JPEG twice with a shift, few colors."""
    kind = int(rng.integers(3))
    if kind == 0:
        data = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, max(int(40 * (1 - amount)), 1)])[1]
        return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    if kind == 1:
        for _ in range(2):
            shift = (int(rng.integers(0, 8)), int(rng.integers(0, 8)))
            rolled = np.roll(image, shift, (0, 1))
            data = cv2.imencode(".jpg", rolled, [cv2.IMWRITE_JPEG_QUALITY, max(int(45 - 38 * amount), 5)])[1]
            image = np.roll(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8), (-shift[0], -shift[1]), (0, 1))
        return np.asarray(image)
    step = int(4 + 44 * amount)
    return np.asarray((image // step) * step + step // 2, dtype=np.uint8)
