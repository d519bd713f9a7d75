"""Broad, randomised families of camera faults, beside the fixed list of `edge.pixels.degrade`.

The fixed list is what we measure; a net trained on it alone is strong there and weak elsewhere. Each family here draws
its own strength from `amount` (0..1) and its own look from the generator. Pure functions of an image and a generator.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Family = Callable[[Image, float, np.random.Generator], Image]


def _u8(values: NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(values + 0.5, 0, 255), dtype=np.uint8)


def _field(image: Image, cells: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) f32, 0..1: a smooth random surface."""
    small = rng.random((cells, cells), dtype=np.float32)
    size = (image.shape[1], image.shape[0])
    field = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    return np.clip(field, 0, 1)


def _noisy(values: NDArray[np.float32], sigma: float, rng: np.random.Generator) -> Image:
    if sigma > 0:
        values = values + rng.standard_normal(values.shape, dtype=np.float32) * np.float32(sigma)
    return _u8(values)


def veil(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Fog, a dirty dome or stray light: contrast pulled towards an even or uneven veil of any brightness."""
    keep = 1 - amount * float(rng.uniform(0.5, 0.93))
    tone = float(rng.uniform(40, 245)) + rng.normal(0, 8, 3).astype(np.float32)
    share = np.float32(1 - keep)
    if rng.random() < 0.5:
        share = share * (0.6 + 0.4 * _field(image, int(rng.integers(2, 5)), rng))[..., None]
    mixed = image.astype(np.float32) * (1 - share) + tone.astype(np.float32) * share
    return _noisy(np.asarray(mixed, np.float32), float(rng.uniform(0, 4)), rng)


def flat(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Low contrast about the picture's own mean, anywhere on the scale, then few codes."""
    keep = 1 - amount * float(rng.uniform(0.5, 0.92))
    mean = image.reshape(-1, 3).mean(0)
    level = float(rng.uniform(50, 215))
    return _noisy((image - mean).astype(np.float32) * keep + np.float32(level), float(rng.uniform(0, 3)), rng)


def backlight(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A face dark before a bright window: gamma and a glow from outside."""
    unit = (image.astype(np.float32) / 255) ** np.float32(1 + 2.2 * amount)
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cx, cy = rng.uniform(-0.4, 1.4, 2)
    far = np.hypot(x / width - cx, y / height - cy)
    glow = np.exp(-((far / rng.uniform(0.25, 0.8)) ** 2))[..., None] * np.float32(amount * rng.uniform(0, 0.7))
    return _noisy((unit * (1 - glow) + glow) * 255, float(rng.uniform(0, 5)) * amount, rng)


def shadow(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Light from one side, or a hard shadow across the face."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle) + rng.uniform(-0.2, 0.2)
    edge = 1 / (1 + np.exp(-along / rng.uniform(0.01, 0.3)))
    light = 1 - edge * np.float32(amount * rng.uniform(0.5, 0.92))
    return _noisy(image * light[..., None].astype(np.float32), float(rng.uniform(0, 4)), rng)


def overexposed(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Too much light: highlights clip, as under a lamp or an infrared ring."""
    gain = np.float32(1 + amount * rng.uniform(0.5, 2.2))
    lit = image.astype(np.float32) * gain
    if rng.random() < 0.5:
        height, width = image.shape[:2]
        y, x = np.mgrid[:height, :width].astype(np.float32)
        spot = np.exp(-(((x / width - 0.5) ** 2 + (y / height - rng.uniform(0.3, 0.7)) ** 2) / rng.uniform(0.05, 0.3)))
        lit = image * (1 + (gain - 1) * spot[..., None]).astype(np.float32) + 30 * amount * spot[..., None]
    return _u8(np.asarray(lit, np.float32))


def lamp(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Sodium light, LED colors, a wrong white balance, weak or strong color."""
    gain = np.exp(rng.normal(0, 0.45 * amount, 3)).astype(np.float32)
    gray = image.mean(2, keepdims=True, dtype=np.float32)
    color = np.float32(np.clip(1 + rng.normal(0, 0.6) * amount, 0, 1.8))
    return _u8((gray + (image - gray) * color) * gain)


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
    return _u8(total / 6)


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
    noisy = _noisy(image.astype(np.float32), 25 * amount, rng)
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
    return _u8(values)


def weather(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Rain, snow, drops and dirt on the glass, a web's threads."""
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
    return _u8(image * (1 - share) + other * share)


def occluded(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A bar, a mask, a cap's brim, glasses or a hand before a part of the face."""
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
    return _u8(np.stack(parts, 2) * dim[..., None])


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
            image = np.roll(cv2.imdecode(data, cv2.IMREAD_COLOR), (-shift[0], -shift[1]), (0, 1))
        return np.asarray(image)
    step = int(4 + 44 * amount)
    return np.asarray((image // step) * step + step // 2, dtype=np.uint8)


FAMILIES: dict[str, Family] = {
    "veil": veil,
    "flat": flat,
    "backlight": backlight,
    "shadow": shadow,
    "overexposed": overexposed,
    "lamp": lamp,
    "gamma": gamma,
    "defocus": defocus,
    "shake": shake,
    "zoomed": zoomed,
    "ghost": ghost,
    "pixelated": pixelated,
    "sharpened": sharpened,
    "smeared": smeared,
    "grain": grain,
    "weather": weather,
    "occluded": occluded,
    "lens": lens,
    "coded": coded,
}
"""Every family by name. `apply` may leave some out, to measure how a net does on what it never saw."""


def apply(image: Image, name: str, amount: float, rng: np.random.Generator) -> Image:
    """A new (H, W, 3) u8 BGR picture with the fault `name` of strength `amount`, 0..1."""
    return FAMILIES[name](image, amount, rng)
