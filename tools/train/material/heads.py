"""Heads as a camera below the ceiling sees them: hair first, a short face beneath it, shoulders behind.

Press photos show no such heads, so each is composed: a training person's face, drawn hair and clothes around it.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Plane = NDArray[np.float32]
Values = NDArray[np.floating[Any]]
"""A place, a size or a colour."""

SIDE_PX = 160
"""Side of the square a head is composed in."""
FACE_PX = 48.0
"""Width of its face; faces much larger are better shown as they are in photos."""
FACE_XY = (SIDE_PX * 0.5, SIDE_PX * 0.46)
"""Middle of its face."""
_BROW_Y, _CHIN_Y, _LEFT_X, _RIGHT_X = 46.0, 132.0, 30.0, 114.0  # of a face in a canvas, px
_HAIR_BGR = ((18, 16, 16), (30, 32, 42), (38, 52, 78), (60, 84, 122), (110, 150, 190), (130, 130, 132), (205, 205, 205))
_HAIR_SHARES = (0.3, 0.24, 0.18, 0.1, 0.07, 0.07, 0.04)


def from_above(canvas: Image | None, rng: np.random.Generator) -> tuple[Image, Plane]:
    """Compose one head, or what is like one and has no face.

    Parameters
    ----------
    canvas : (CANVAS_PX, CANVAS_PX, 3) uint8 BGR or None
        A face, aligned, with its margin. None: the back of a head, plain skin under hair, or a hand before clothes.
    rng : numpy.random.Generator

    Returns
    -------
    image : (SIDE_PX, SIDE_PX, 3) uint8 BGR
        The head, with a face `FACE_PX` wide about `FACE_XY`.
    share : (SIDE_PX, SIDE_PX) float32
        1 where the head covers what is behind it, 0 where it does not.
    """
    center = np.array(FACE_XY, np.float32)
    height = FACE_PX * float(rng.uniform(0.62, 1.05))
    turn, lean = (float(v) for v in rng.normal(0, (0.16, 0.05)))
    kind = "face" if canvas is not None else str(rng.choice(["back", "plain", "hand"]))
    skin = _skin(canvas, rng)
    layers = _Layers()
    _lay_clothes(layers, skin, center, height, rng)
    if kind == "hand":
        layers.lay(*_hand(skin, center, height, rng))
        return layers.picture()
    hair, rough = _hair(rng), float(rng.choice([0.02, 0.05, 0.1]))
    crown = center + FACE_PX * np.array([-0.25 * turn, -rng.uniform(0.2, 0.6)])
    layers.lay(hair, _oval(crown, FACE_PX * rng.uniform((0.58, 0.62), (0.85, 1.05)), rough, rng))
    if rng.random() < 0.45:  # long hair
        below = center + np.array([0, FACE_PX * rng.uniform(0, 0.45)])
        layers.lay(hair, _oval(below, FACE_PX * rng.uniform((0.6, 0.6), (0.85, 1.0)), rough, rng))
    if kind == "back":
        return layers.picture()
    if canvas is not None:
        face, oval = _face(canvas, center, height, turn, lean)
    else:
        face = np.broadcast_to(skin, layers.image.shape)
        face = face * (1 + _field(rng, 4) * np.float32(rng.uniform(0, 0.25)))[..., None]
        oval = _oval(center, np.array([FACE_PX, height]) * 0.48, 0.03, rng)
    lit = float(rng.uniform(0.55, 1.05))
    layers.lay(face * np.linspace(lit * rng.uniform(0.7, 1), lit, SIDE_PX, dtype=np.float32)[:, None, None], oval)
    if rng.random() < 0.75:
        layers.lay(hair, _fringe(center, height, rough, rng))
    return layers.picture()


class _Layers:
    """What has been laid over one another so far."""

    def __init__(self) -> None:
        self.image = np.zeros((SIDE_PX, SIDE_PX, 3), np.float32)
        self.share = np.zeros((SIDE_PX, SIDE_PX), np.float32)

    def lay(self, color: Values, part: Plane) -> None:
        """Cover the (SIDE_PX, SIDE_PX) share `part` with `color`, one colour or one at each pixel."""
        self.image = np.asarray(color * part[..., None] + self.image * (1 - part[..., None]), np.float32)
        self.share = np.maximum(self.share, part)

    def picture(self) -> tuple[Image, Plane]:
        """(SIDE_PX, SIDE_PX, 3) uint8 BGR, and the share that is covered."""
        return np.clip(self.image, 0, 255).astype(np.uint8), self.share


def _skin(canvas: Image | None, rng: np.random.Generator) -> Plane:
    """(3,) BGR of a face's middle, or of anybody."""
    if canvas is not None:
        return np.asarray(np.median(canvas[70:120, 50:95].reshape(-1, 3), axis=0), np.float32)
    drawn = np.array([150, 180, 230]) * rng.uniform(0.2, 1.0) + rng.normal(0, 12, 3)
    return np.asarray(np.clip(drawn, 5, 250), np.float32)


def _lay_clothes(layers: _Layers, skin: Values, center: Values, height: float, rng: np.random.Generator) -> None:
    """Shoulders, often a collar or what is worn beneath, and the neck."""
    shoulders = center + FACE_PX * rng.uniform((-0.25, 0.75), (0.25, 1.25))
    layers.lay(_cloth(rng), _oval(shoulders, FACE_PX * rng.uniform((0.95, 0.6), (1.7, 1.3)), 0.03, rng))
    if rng.random() < 0.6:
        size = FACE_PX * rng.uniform((0.2, 0.3), (0.55, 0.7))
        layers.lay(_cloth(rng), _oval(center + np.array([0, FACE_PX * 0.95]), size, 0.02, rng))
    neck = _oval(center + np.array([0, height * 0.5]), FACE_PX * np.array([0.3, 0.35]), 0.02, rng)
    layers.lay(skin * np.float32(rng.uniform(0.5, 0.85)), neck)


def _fringe(center: Values, height: float, rough: float, rng: np.random.Generator) -> Plane:
    """Share of a fringe, straight or not, that reaches down to the brows or over them."""
    edge = center[1] + height * rng.uniform(-0.5, -0.08)
    slope, bow = rng.normal(0, 0.25), rng.uniform(-0.3, 0.9)
    x = (np.arange(SIDE_PX, dtype=np.float32) - center[0]) / FACE_PX
    limit = edge + FACE_PX * (slope * x + bow * x * x + 0.5 * rough * np.sin(x * rng.uniform(8, 40)))
    below = np.arange(SIDE_PX, dtype=np.float32)[:, None] - limit[None]
    around = _oval(center + np.array([0, -0.1 * height]), np.array([FACE_PX * 0.6, height * 0.75]), rough, rng)
    return np.asarray(np.clip(0.5 - below / (FACE_PX * 0.06), 0, 1) * around, np.float32)


def _face(canvas: Image, center: Values, height: float, turn: float, lean: float) -> tuple[Plane, Plane]:
    """The face, foreshortened and narrower towards the chin, and the oval it covers."""
    half, taper = FACE_PX / 2, float(np.clip(1 - 0.5 * (1.05 - height / FACE_PX), 0.7, 1))
    x, y = center
    source = np.array([[_LEFT_X, _BROW_Y], [_RIGHT_X, _BROW_Y], [_RIGHT_X, _CHIN_Y], [_LEFT_X, _CHIN_Y]], np.float32)
    top, chin = -height / 2, height / 2
    corners = np.array([[-half, top], [half, top], [half * taper, chin], [-half * taper, chin]])
    corners[:, 0] += lean * FACE_PX * np.array([-1, -1, 1, 1])
    matrix = cv2.getPerspectiveTransform(source, (corners + center).astype(np.float32))
    inverse = np.linalg.inv(matrix).astype(np.float32)
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    # Turned to a side, what is in the middle moves most.
    bulge = np.clip(1 - ((columns - x) / half) ** 2, 0, 1) * np.clip(1 - ((rows - y) / (height / 2)) ** 2, 0, 1)
    columns = columns - turn * FACE_PX * bulge
    down = inverse[2, 0] * columns + inverse[2, 1] * rows + inverse[2, 2]
    map_x = (inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2]) / down
    map_y = (inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2]) / down
    face = cv2.remap(canvas, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    away = np.hypot((map_x - 72) / 43, (map_y - 88) / 47)
    return face, np.clip((1.0 - away) / 0.08, 0, 1).astype(np.float32)


def _hand(skin: Values, center: Values, height: float, rng: np.random.Generator) -> tuple[Plane, Plane]:
    """A fist or spread fingers, and the share that they cover."""
    image = np.empty((SIDE_PX, SIDE_PX, 3), np.float32)
    image[:] = skin
    share = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    number, angle = int(rng.integers(2, 6)), float(rng.uniform(0, 360))
    across = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    length = height * rng.uniform(0.25, 0.6)
    thick = FACE_PX * rng.uniform(0.35, 0.55) / number
    spread = rng.uniform(0, 12)
    for k in range(number):
        at = center + across * (k - (number - 1) / 2) * thick * rng.uniform(1.5, 2.0)
        axes = (max(int(thick), 2), max(int(length * rng.uniform(0.8, 1.1)), 3))
        shade = tuple(float(v) for v in skin * rng.uniform(0.8, 1.1))
        place, tilt = (int(at[0]), int(at[1])), angle + (k - (number - 1) / 2) * spread
        cv2.ellipse(image, place, axes, tilt, 0, 360, shade, -1, cv2.LINE_AA)
        cv2.ellipse(image, place, axes, tilt, 0, 360, tuple(0.6 * v for v in shade), 1, cv2.LINE_AA)
        cv2.ellipse(share, place, axes, tilt, 0, 360, 1.0, -1, cv2.LINE_AA)
    return image * (1 + _field(rng, 6) * np.float32(0.1))[..., None], share


def _oval(center: Values, axes: Values, rough: float, rng: np.random.Generator) -> Plane:
    """(SIDE_PX, SIDE_PX) share of an oval whose outline strays by `rough` of its size."""
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
    away = np.hypot((columns - center[0]) / axes[0], (rows - center[1]) / axes[1])
    away += _field(rng, 24) * np.float32(rough)
    return np.asarray(np.clip((1 - away) / 0.05, 0, 1), np.float32)


def _field(rng: np.random.Generator, cells: int, stretch: int = 1) -> Plane:
    """Smooth noise of unit variance, `cells` grains across and `cells / stretch` down."""
    grain = rng.standard_normal((max(cells // stretch, 2), cells)).astype(np.float32)
    return np.asarray(cv2.resize(grain, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC), np.float32)


def _hair(rng: np.random.Generator) -> Plane:
    """Strands or curls of one colour, sometimes shining; one time in ten a cap or a hood of any colour."""
    color = np.array(_HAIR_BGR[rng.choice(len(_HAIR_BGR), p=_HAIR_SHARES)], np.float32)
    if rng.random() < 0.1:
        color = rng.uniform(10, 235, 3).astype(np.float32)
    strand = _field(rng, int(rng.integers(20, 90)), int(rng.integers(1, 8))) + _field(rng, 8)
    shade = 1 + strand * np.float32(rng.uniform(0.05, 0.3))
    shine = np.clip(_field(rng, 5) - 0.5, 0, None) * np.float32(rng.choice([0, 0, 25, 60]))
    return np.asarray(np.clip(color * shade[..., None] + shine[..., None], 2, 250), np.float32)


def _cloth(rng: np.random.Generator) -> Plane:
    """Cloth of one colour with folds, sometimes striped."""
    color = rng.uniform(8, 245, 3).astype(np.float32) * np.float32(rng.uniform(0.3, 1))
    if rng.random() < 0.4:
        color[:] = color.mean()
    folds = 1 + _field(rng, 8) * np.float32(rng.uniform(0.03, 0.18))
    if rng.random() < 0.25:
        phase = (np.arange(SIDE_PX) * rng.uniform(0.1, 0.7)).astype(np.float32)
        shape = (1, SIDE_PX) if rng.random() < 0.5 else (SIDE_PX, 1)
        folds = folds * (1 + 0.5 * np.sign(np.sin(phase)).reshape(shape))
    return np.asarray(np.clip(color * folds[..., None], 0, 255), np.float32)
