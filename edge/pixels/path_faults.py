"""Faults on the way from the face to the picture: of air, panes and lamps, and of what reads out and carries a picture.

`degrade` names them, checks its arguments and is what others call. Each function takes (H, W, 3) u8 BGR, a level of
0..5, the scale of lengths (1 for a face of 110 px) and a generator, and gives a new array of that shape. Everything is
drawn before the level is looked at, so a seed gives one look at every level. Lengths scale with the face; what belongs
to lens, window or codec (size of a flare, of panes, of macroblocks) does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.arrays import BgrImage

WOBBLE_PX_PER_LEVEL = 1.2
SKEW_PER_LEVEL = 0.06  # px sideways per row
SHIMMER_PX_PER_LEVEL = 0.45
SHIMMER_CELL_PX = 9.0
SHIMMER_SIGMA_PX_PER_LEVEL = 0.25
MOIRE_PER_LEVEL = 0.05
MACROBLOCK_PX = 16
LOST_ROWS_PER_LEVEL = 0.09
FLARE_PER_LEVEL = 0.22
REFLECTED_PER_LEVEL = 0.12
SHADE_PER_LEVEL = 0.13
SUN_PER_LEVEL = 0.12
CABLE_CHROMA_PX_PER_LEVEL = 1.2
CABLE_ECHO_PER_LEVEL = 0.08
CABLE_NOISE_PER_LEVEL = 1.6  # codes


def _to_u8(values: NDArray[np.floating[Any]]) -> BgrImage:
    return np.asarray(np.clip(values + 0.5, 0, 255), dtype=np.uint8)


def _grid(image: BgrImage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(H, W) f32 columns and rows of every pixel."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    return x, y


def _moved(image: BgrImage, x: NDArray[np.float32], y: NDArray[np.float32]) -> BgrImage:
    """Each pixel from column `x` and row `y`, (H, W) f32; the border's pixels beyond the border."""
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def _surface(image: BgrImage, cell_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W) f32: a smooth random surface about 0, of roughly unit deviation, that changes over `cell_px`."""
    height, width = image.shape[:2]
    cells = (int(height / max(cell_px, 1.0)) + 2, int(width / max(cell_px, 1.0)) + 2)
    coarse = rng.standard_normal(cells, dtype=np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def jello(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """A rolling shutter on a shaking pole, or before a passer-by: rows read late stand elsewhere."""
    period, phase = float(rng.uniform(40, 160)) * scale, float(rng.uniform(0, 2 * np.pi))
    skew = float(rng.choice([-1.0, 1.0])) * SKEW_PER_LEVEL * level
    x, y = _grid(image)
    wobble = WOBBLE_PX_PER_LEVEL * level * scale * np.sin(y * np.float32(2 * np.pi / period) + np.float32(phase))
    return _moved(image, x + wobble + skew * (y - image.shape[0] / 2), y)


def shimmer(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """Hot air, or water that runs down the glass: every place a little moved, and soft."""
    x, y = _grid(image)
    reach = np.float32(SHIMMER_PX_PER_LEVEL * level * scale)
    right, down = (_surface(image, SHIMMER_CELL_PX * scale, rng) * reach for _ in range(2))
    moved, sigma = _moved(image, x + right, y + down), SHIMMER_SIGMA_PX_PER_LEVEL * level * scale
    return moved if sigma < 0.1 else np.asarray(cv2.GaussianBlur(moved, (0, 0), sigma), dtype=np.uint8)


def moire(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """A fine lattice against the sensor's own, as on a display or behind a fly screen: bent fringes of color."""
    angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
    period, hue = max(float(rng.uniform(5, 14)) * scale, 2.5), float(rng.uniform(0.3, 1.5))
    bend = _surface(image, 90 * scale, rng)
    x, y = _grid(image)
    turns = (x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))) / np.float32(period) + bend
    of_color = np.arange(3, dtype=np.float32) * np.float32(hue) + np.float32(phase)
    fringes = np.cos(turns[..., None] * np.float32(2 * np.pi) + of_color)
    return _to_u8(image * (1 + np.float32(MOIRE_PER_LEVEL * level) * fringes))


def packets(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """A stream that lost packets: rows of macroblocks, from some column on, taken from elsewhere, dragged or gray."""
    side, (height, width) = MACROBLOCK_PX, image.shape[:2]
    rows = -(-height // side)
    order, kinds = rng.permutation(rows), rng.integers(3, size=rows)
    starts = rng.integers(max(width // side // 2, 1), size=rows) * side
    shifts = rng.integers(-3 * side, 3 * side + 1, (rows, 2))
    out = image.copy()
    for row in order[: round(LOST_ROWS_PER_LEVEL * level * rows)]:
        top, left = row * side, starts[row]
        lost = out[top : top + side, left:]
        if kinds[row] == 0:
            lost[:] = np.roll(image, shifts[row], (0, 1))[top : top + side, left:]
        elif kinds[row] == 1:
            lost[:] = image[top : top + side, max(left - 1, 0), None]
        else:
            lost[:] = 128
    return out


def flare(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """A lamp or the sun shines into the lens: a core, a star, a veil, and ghosts opposite."""
    (height, width), (x, y) = image.shape[:2], _grid(image)
    half, turn = max(height, width) / 2, rng.uniform(0, 2 * np.pi)
    far, points, twist = rng.uniform(0.3, 0.8), int(rng.integers(2, 5)), rng.uniform(0, 2 * np.pi)
    places, sizes = rng.uniform(-1.2, 0.3, 4), rng.uniform(0.06, 0.2, 4)
    colors = rng.uniform(0.1, 0.6, (4, 3)).astype(np.float32)
    dx, dy = (float(far * half * part(turn)) for part in (np.cos, np.sin))
    x, y = x - np.float32(width / 2), y - np.float32(height / 2)
    away = np.hypot(x - dx, y - dy) / np.float32(half)
    star = np.abs(np.cos(np.arctan2(y - dy, x - dx) * points + twist)) ** 24 * np.exp(-away * 2.5)
    light = np.exp(-((away / 0.12) ** 2)) * 2 + 0.5 / (1 + (away / 0.5) ** 2) + 0.8 * star
    added = np.repeat(light.astype(np.float32)[..., None], 3, 2)
    for place, size, color in zip(places, sizes, colors, strict=True):
        ghost = np.hypot(x - place * dx, y - place * dy) < size * half
        added += ghost[..., None] * color * np.float32(0.6)
    return _to_u8(image + added * np.float32(255 * FLARE_PER_LEVEL * level))


def reflection(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """A pane before the camera mirrors what is behind it: bright windows, posts and lamps over the face."""
    height, width = image.shape[:2]
    room = np.full(image.shape, float(rng.uniform(20, 120)), np.float32)
    for _ in range(14):
        left, top = (int(v) for v in rng.uniform(-0.1, 0.95, 2) * (width, height))
        wide, high = (int(v) for v in rng.uniform(0.04, 0.35, 2) * (width, height))
        color = rng.uniform(20, 255) + rng.normal(0, 20, 3)
        cv2.rectangle(room, (left, top), (left + wide, top + high), color.tolist(), -1)
    share = np.float32(REFLECTED_PER_LEVEL * level)
    return _to_u8(image * (1 - share) + cv2.GaussianBlur(room, (0, 0), 1.5) * share)


def dappled(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """Sun through leaves: patches of light and shade across the face."""
    leaves = _surface(image, float(rng.uniform(12, 30)) * scale, rng)
    sun = 1 / (1 + np.exp(-leaves * np.float32(rng.uniform(4, 12))))
    low, high = 1 - SHADE_PER_LEVEL * level, 1 + SUN_PER_LEVEL * level
    return _to_u8(image * (low + (high - low) * sun)[..., None])


def cable(image: BgrImage, level: float, scale: float, rng: np.random.Generator) -> BgrImage:
    """Composite video over a long cable: coarse, late color, an echo beside every edge, rows out of step, streaks."""
    height = image.shape[0]
    echo, late = float(rng.uniform(5, 12)) * scale, CABLE_CHROMA_PX_PER_LEVEL * level * scale
    sign, steps = float(rng.choice([-1.0, 1.0])), rng.standard_normal((height, 1), dtype=np.float32)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    x, y = _grid(image)
    x = x + steps * np.float32(0.15 * level * scale)
    ycc = np.asarray(cv2.cvtColor(_moved(image, x, y), cv2.COLOR_BGR2YCrCb), dtype=np.uint8)
    soft = cv2.GaussianBlur(ycc, (0, 0), sigmaX=max(0.35 * level * scale, 0.01), sigmaY=0.01)
    coarse = cv2.GaussianBlur(ycc, (0, 0), sigmaX=max(late, 0.01), sigmaY=0.01)
    coarse = _moved(np.asarray(coarse, np.uint8), _grid(image)[0] - np.float32(late), y)
    again = _moved(np.asarray(soft, np.uint8), _grid(image)[0] - np.float32(echo), y)
    out = np.concatenate([soft[..., :1], coarse[..., 1:]], 2).astype(np.float32)
    out[..., 0] += sign * CABLE_ECHO_PER_LEVEL * level * (again[..., 0].astype(np.float32) - out[..., 0])
    streaks = np.asarray(cv2.blur(noise, (5, 1)), np.float32) * np.float32(5**0.5 * CABLE_NOISE_PER_LEVEL * level)
    return np.asarray(cv2.cvtColor(_to_u8(out + streaks), cv2.COLOR_YCrCb2BGR), dtype=np.uint8)
