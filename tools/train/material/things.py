"""Things that are taken for faces: rounded, alike on both sides, lit from above. Lamps, dials, tins, vases, saddles.

`clutter` draws such things; these are cut from photos, so that they have the texture of real ones.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]

SIDE_PX = 96
"""Side of the square a thing is made in."""
_ROWS, _COLUMNS = (np.asarray(one, np.float32) for one in np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j])


def rounded(patch: Image, rng: np.random.Generator) -> tuple[Image, Plane]:
    """Make one thing of a piece of a photo.

    Parameters
    ----------
    patch : (SIDE_PX, SIDE_PX, 3) uint8 BGR
        Not changed.
    rng : numpy.random.Generator

    Returns
    -------
    image : (SIDE_PX, SIDE_PX, 3) uint8 BGR
    share : (SIDE_PX, SIDE_PX) float32
        1 where the thing covers what is behind it, 0 where it does not.
    """
    color = np.asarray(patch, np.float32)
    if rng.random() < 0.6:
        color = np.asarray((color + color[:, ::-1]) / 2, np.float32)
    color = _colored(color, rng)
    wide, high, power = rng.uniform(0.55, 0.95), rng.uniform(0.55, 0.95), float(rng.choice([2.0, 2.0, 3.0, 5.0]))
    tilt = float(np.deg2rad(rng.normal(0, 18)))
    across, down = np.float32(np.cos(tilt)), np.float32(np.sin(tilt))
    x = np.asarray((_COLUMNS * across + _ROWS * down) / np.float32(wide), np.float32)
    y = np.asarray((_ROWS * across - _COLUMNS * down) / np.float32(high), np.float32)
    away = np.asarray((np.abs(x) ** power + np.abs(y) ** power) ** (1 / power), np.float32)
    if rng.random() < 0.5:  # bulging, as glass and tins are
        bulge = np.clip(away, 0, 1) ** np.float32(rng.uniform(0.5, 1.5))
        half = np.float32((SIDE_PX - 1) / 2)
        map_x, map_y = (_COLUMNS * bulge + 1) * half, (_ROWS * bulge + 1) * half
        color = np.asarray(cv2.remap(color, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    if rng.random() < 0.35:  # ribs, as of a lamp's glass or a grille
        along = x if rng.random() < 0.65 else y
        ribs = np.sin(along * np.float32(rng.uniform(6, 40)) + np.float32(rng.uniform(0, 6)))
        color = color * (1 + ribs * np.float32(rng.uniform(0.05, 0.35)))[..., None]
    if rng.random() < 0.3:
        _mark(color, x, y, rng)
    light = 1 - np.float32(rng.uniform(-0.1, 0.45)) * y - np.float32(rng.uniform(0, 0.5)) * np.clip(away, 0, 1) ** 2
    color = color * np.clip(light, 0.15, 1.6)[..., None]
    if rng.random() < 0.6:
        _rim(color, away, y, rng)
    for _ in range(int(rng.integers(0, 3))):
        spot = np.hypot((x - rng.normal(0, 0.4)) / rng.uniform(0.05, 0.3), (y + rng.uniform(-0.2, 0.7)) / 0.12)
        color = color + (np.clip(1.3 - spot, 0, 1) * np.float32(rng.uniform(40, 200)))[..., None]
    share = np.clip((1 - away) / np.float32(rng.uniform(0.03, 0.12)), 0, 1)
    return np.clip(color, 0, 255).astype(np.uint8), np.asarray(share, np.float32)


def _colored(color: Plane, rng: np.random.Generator) -> Plane:
    """As it is, gray as metal and glass, or of the colours of skin and cardboard; often with little contrast."""
    kind = rng.random()
    if kind < 0.6:
        gray = color.mean(axis=2, keepdims=True)
        tone = np.ones(3) if kind < 0.35 else np.array([0.62, 0.8, 1.0]) * rng.uniform(0.85, 1.15, 3)
        color = gray * tone.astype(np.float32)
    middle = color.mean(axis=(0, 1))
    target = middle * np.float32(rng.uniform(0.6, 1.3))
    return np.asarray((color - middle) * np.float32(rng.uniform(0.3, 1.1)) + target, np.float32)


def _mark(color: Plane, x: Plane, y: Plane, rng: np.random.Generator) -> None:
    """Dark marks in place, alike on both sides or alone: openings, screws, bulbs, labels."""
    depth = np.float32(rng.uniform(0.2, 0.9))
    places = [(float(rng.uniform(0.15, 0.6)), float(rng.normal(0, 0.35)))]
    if rng.random() < 0.6:
        places.append((-places[0][0], places[0][1]))
    if rng.random() < 0.4:
        places.append((0.0, float(rng.uniform(-0.5, 0.7))))
    wide, high = rng.uniform(0.06, 0.3, 2)
    for left, top in places:
        inside = np.clip(1.2 - np.hypot((x - left) / wide, (y - top) / high), 0, 1)
        color *= (1 - depth * inside)[..., None]


def _rim(color: Plane, away: Plane, y: Plane, rng: np.random.Generator) -> None:
    """A ring around it in place: chrome, a tyre, a frame."""
    begin = np.float32(rng.uniform(0.75, 0.93))
    ring = np.clip((away - begin) / np.float32(0.04), 0, 1)[..., None]
    base = float(rng.choice([25.0, 90.0, 190.0]))
    shine = base + np.float32(rng.uniform(0, 60)) * np.sin(y * np.float32(rng.uniform(1, 6)))
    color[:] = color * (1 - ring) + shine[..., None] * ring
