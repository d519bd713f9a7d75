"""Families of faults before the sensor: focus, motion, lens, weather on the glass, things before the face.

Each takes (H, W, 3) u8 BGR, a strength of 0..1 and a generator, and gives a new picture of that shape.
"""

from __future__ import annotations

import cv2
import numpy as np

from tools.train.material.faults.values import Image, to_u8


def defocus(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A disk, or a polygon of diaphragm blades, instead of a Gaussian."""
    radius = 0.5 + amount * 0.055 * image.shape[0]
    side = 2 * int(np.ceil(radius)) + 3
    middle = side / 2 - 0.5
    y, x = np.mgrid[:side, :side].astype(np.float32) - middle
    reach = np.hypot(x, y)
    if rng.random() < 0.4:
        blades = int(rng.integers(5, 8))
        turn = np.arctan2(y, x) + rng.uniform(0, 2)
        slice_ = 2 * np.pi / blades
        reach = reach * np.cos((turn % slice_) - slice_ / 2) / np.cos(slice_ / 2)
    kernel = np.clip(radius - reach + 0.5, 0, 1)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def shake(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A curved path of the camera or the head."""
    length = 2 + amount * 0.16 * image.shape[0]
    turn = np.cumsum(rng.normal(0, 0.25, 48)) + rng.uniform(0, 2 * np.pi)
    path = np.stack([np.cos(turn), np.sin(turn)], 1).cumsum(0) * (length / 48)
    path -= path.mean(0)
    radius = int(np.ceil(np.abs(path).max())) + 1
    kernel = np.zeros((2 * radius + 1, 2 * radius + 1), np.float32)
    at = np.rint(path).astype(int) + radius
    np.add.at(kernel, (at[:, 1], at[:, 0]), 1.0)
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def zoomed(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Walking towards the camera during the exposure: radial blur; or rotation."""
    height, width = image.shape[:2]
    turn, total = rng.random() < 0.3, np.zeros(image.shape, np.float32)
    for k in range(6):
        step = (k / 5 - 0.5) * amount
        angle, scale = (step * 18, 1.0) if turn else (0.0, 1 + step * 0.3)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
        total += cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return to_u8(total / 6)


def ghost(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Temporal noise reduction or an interlaced pair: an earlier place of the face remains."""
    dx, dy = rng.normal(0, 0.06 * amount * image.shape[0], 2)
    matrix = np.array([[1, 0, dx], [0, 1, dy * 0.5]], np.float32)
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.5:
        comb = image.copy()
        comb[1::2] = moved[1::2]
        return comb
    share = float(rng.uniform(0.2, 0.5))
    return np.asarray(cv2.addWeighted(image, 1 - share, moved, share, 0))


def lens(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Wide-angle bending, color fringes, dark corners, squeezed pixels."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    u, v = x / width * 2 - 1, y / height * 2 - 1
    square = u * u + v * v
    bend = 1 + np.float32(rng.normal(0, 0.1) * amount) * square
    squeeze = np.float32(np.exp(rng.normal(0, 0.1) * amount))
    fringe = np.float32(rng.normal(0, 0.012) * amount)
    parts = []
    for channel in range(3):
        scale = bend * (1 + fringe * (channel - 1))
        mx, my = (u * scale * squeeze + 1) * width / 2, (v * scale / squeeze + 1) * height / 2
        parts.append(cv2.remap(image[..., channel], mx, my, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    dim = 1 - np.float32(rng.uniform(0, 0.35) * amount) * square
    return to_u8(np.stack(parts, 2) * dim[..., None])


def weather(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Rain, snow, drops and dirt on the glass."""
    height, width = image.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    kind = int(rng.integers(3))
    tilt = rng.normal(0, 0.3)
    for _ in range(int(4 + 40 * amount)):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        if kind == 0:
            reach = rng.uniform(0.04, 0.16) * height
            end = (int(x + reach * tilt), int(y + reach))
            cv2.line(layer, (int(x), int(y)), end, int(rng.integers(90, 220)), 1, cv2.LINE_AA)
        elif kind == 1:
            cv2.circle(layer, (int(x), int(y)), max(int(rng.uniform(0.003, 0.02) * height), 1), 230, -1, cv2.LINE_AA)
        elif rng.random() < 0.3:
            cv2.circle(layer, (int(x), int(y)), max(int(rng.uniform(0.02, 0.1) * height), 1), 150, -1, cv2.LINE_AA)
    share = cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(0.6, 2.5)))[..., None].astype(np.float32) / 255
    if kind == 2:
        other = cv2.GaussianBlur(image, (0, 0), 4.0).astype(np.float32) * np.float32(rng.uniform(0.4, 1.1))
    else:
        other = np.full(image.shape, float(rng.uniform(170, 250)), np.float32)
    return to_u8(image * (1 - share) + other * share)


def occluded(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A bar, a mask, a cap's brim or something round before a part of the face."""
    out, (height, width) = image.copy(), image.shape[:2]
    color = tuple(int(v) for v in rng.integers(0, 256, 3))
    kind = int(rng.integers(4))
    if kind == 0:
        y, thick = int(rng.uniform(0.1, 0.9) * height), max(int(amount * 0.14 * height), 1)
        slope = int(rng.normal(0, 0.15) * height)
        cv2.line(out, (0, y), (width, y + slope), color, thick, cv2.LINE_AA)
    elif kind == 1:
        top = int((1 - 0.38 * amount) * height)
        out[top:] = color
    elif kind == 2:
        out[: int(0.32 * amount * height)] = color
    else:
        centre = (int(rng.uniform(0.15, 0.85) * width), int(rng.uniform(0.3, 0.9) * height))
        axes = (max(int(amount * 0.16 * width), 1), max(int(amount * 0.12 * height), 1))
        cv2.ellipse(out, centre, axes, float(rng.uniform(0, 180)), 0, 360, color, -1, cv2.LINE_AA)
    return out
