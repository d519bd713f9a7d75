"""Families of faults upon the face and before it: glasses, eyes that shine, wire, letters of the recorder.

Each takes (H, W, 3) u8 BGR, a strength of 0..1 and a generator, and gives a new picture of that shape. `glasses` and
`infrared` need to know where the eyes are: they take the picture for an aligned face with its margin, as a canvas is.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.pixels.faces import geometry
from tools.train.material.canvases import CANVAS_PX, MARGIN_PX
from tools.train.material.faults.values import Image, smooth_field, to_u8

_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_PLAIN, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX)
_LETTERS = np.array([*"0123456789:-/. CAMERHDOIN"])
_FINE = 4
"""Binary digits after the point of the places that are drawn."""


def _eyes(image: Image) -> NDArray[np.float64]:
    """(2, 2) x, y of the eyes of a canvas of any size, px."""
    eyes = geometry.ARCFACE_POINTS[:2].astype(np.float64) + MARGIN_PX
    return np.asarray(eyes * (image.shape[1] / CANVAS_PX))


def _fine(values: NDArray[np.float64]) -> tuple[int, ...]:
    return tuple(int(v) for v in np.rint(values * (1 << _FINE)))


def _laid(image: Image, layer: NDArray[np.uint8], color: NDArray[np.float32], share: float) -> Image:
    """The picture under `color`, (3,) or (H, W, 3), where the layer (H, W) is bright, at most `share` of it."""
    part = layer[..., None].astype(np.float32) * np.float32(share / 255)
    return to_u8(image * (1 - part) + color * part)


def glasses(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """Rims, tinted lenses and what mirrors in them; sunglasses at full strength."""
    eyes = _eyes(image) + rng.normal(0, 0.012 * image.shape[1], (1, 2))
    apart = float(eyes[1, 0] - eyes[0, 0])
    axes = apart * np.array([rng.uniform(0.34, 0.47), rng.uniform(0.22, 0.42)])
    is_square, width = rng.random() < 0.4, max(round(apart * rng.uniform(0.02, 0.08)), 1)
    lenses, rims = np.zeros(image.shape[:2], np.uint8), np.zeros(image.shape[:2], np.uint8)
    for layer, thick in ((lenses, -1), (rims, width)):
        for eye in eyes:
            if is_square:
                cv2.rectangle(layer, _fine(eye - axes), _fine(eye + axes), 255, thick, cv2.LINE_AA, _FINE)
            else:
                cv2.ellipse(layer, _fine(eye), _fine(axes), 0, 0, 360, 255, thick, cv2.LINE_AA, _FINE)
    inner = [eyes[0] + (axes[0], -axes[1] * 0.2), eyes[1] + (-axes[0], -axes[1] * 0.2)]
    cv2.line(rims, _fine(inner[0]), _fine(inner[1]), 255, width, cv2.LINE_AA, _FINE)
    tint = rng.uniform(0, 60) + rng.normal(0, 12, 3).astype(np.float32)
    out = _laid(image, lenses, tint, amount * float(rng.uniform(0.1, 0.95)))
    if rng.random() < 0.5:
        bright = np.float32(rng.uniform(160, 255)) * np.ones(3, np.float32)
        mirrored = (lenses * (smooth_field(image, int(rng.integers(3, 7)), rng) > 0.62)).astype(np.uint8)
        out = _laid(out, mirrored, bright, amount * float(rng.uniform(0.2, 0.9)))
    tone = rng.uniform(0, 150) + rng.normal(0, 15, 3).astype(np.float32)
    return _laid(out, rims, tone, float(rng.uniform(0.6, 1.0)))


def infrared(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A ring of infrared lamps at night: gray, the middle burnt out, dark behind, eyes that shine."""
    (height, width), eyes = image.shape[:2], _eyes(image)
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    # Skin gives back more infrared than what surrounds it, and shows less of its markings.
    red = image[..., 2].astype(np.float32)
    values = gray + (red - gray) * np.float32(rng.uniform(0.3, 1.0))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    far = np.hypot(x / width - rng.uniform(0.4, 0.6), y / height - rng.uniform(0.4, 0.6))
    lit = np.exp(-((far / np.float32(rng.uniform(0.25, 0.7))) ** 2))
    gain = 1 + amount * float(rng.uniform(0.0, 1.6))
    values = values * (1 - np.float32(0.85 * amount) * (1 - lit)) * np.float32(gain)
    if rng.random() < 0.7:
        layer, radius = np.zeros((height, width), np.uint8), (eyes[1, 0] - eyes[0, 0]) * rng.uniform(0.05, 0.13)
        for eye in eyes + rng.normal(0, 0.008 * width, (2, 2)):
            cv2.circle(layer, _fine(eye), max(int(radius * (1 << _FINE)), 8), 255, -1, cv2.LINE_AA, _FINE)
        glow = np.asarray(cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(0.4, 1.6))), np.float32)
        values += glow * np.float32((0.3 + 0.7 * amount) * rng.uniform(0.4, 1.0))
    values += rng.standard_normal((height, width), dtype=np.float32) * np.float32(rng.uniform(0, 7) * amount)
    return to_u8(np.repeat(values[..., None], 3, 2))


def mesh(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """A fence, a blind, a grille, or threads of a web before the lens: sharp or out of focus."""
    height, width = image.shape[:2]
    layer, kind = np.zeros((height, width), np.uint8), int(rng.integers(3))
    thick = max(round(amount * float(rng.uniform(0.005, 0.035)) * height), 1)
    reach = float(np.hypot(height, width))
    middle = np.array([width / 2, height / 2])
    if kind < 2:  # one set of bars, or two that cross
        apart = max(float(rng.uniform(0.07, 0.3)) * height, 2.5 * thick)
        first = rng.uniform(0, np.pi)
        for angle in [first, first + rng.uniform(0.8, 2.3)][: kind + 1]:
            along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
            offset = rng.uniform(0, apart)
            for k in range(-int(reach / apart) // 2 - 1, int(reach / apart) // 2 + 2):
                at = middle + across * (k * apart + offset)
                ends = _fine(at - along * reach), _fine(at + along * reach)
                cv2.line(layer, *ends, 255, thick, cv2.LINE_AA, _FINE)
    else:
        hub = rng.uniform(-0.2, 1.2, 2) * (width, height)
        for angle in rng.uniform(0, 2 * np.pi, int(rng.integers(5, 14))):
            end = hub + reach * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(layer, _fine(hub), _fine(end), 255, thick, cv2.LINE_AA, _FINE)
    if rng.random() < 0.7:
        layer = np.asarray(cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(0.5, 4.0))), np.uint8)
    color = (rng.uniform(0, 255) + rng.normal(0, 10, 3)).astype(np.float32)
    return _laid(image, layer, color, float(rng.uniform(0.3, 1.0)))


def letters(image: Image, amount: float, rng: np.random.Generator) -> Image:
    """What a recorder writes into the picture: time, name, a frame about something, a logo's block."""
    out, (height, width) = image.copy(), image.shape[:2]
    for _ in range(1 + int(rng.integers(0, 1 + round(4 * amount)))):
        text = "".join(rng.choice(_LETTERS, int(rng.integers(4, 20))))
        size = float(rng.uniform(0.25, 0.3 + 0.9 * amount)) * height / CANVAS_PX
        at = (int(rng.uniform(-0.4, 0.6) * width), int(rng.uniform(0.1, 1.0) * height))
        font, thick = int(rng.choice(_FONTS)), max(round(size * rng.uniform(1, 3)), 1)
        tone = (255, 255, 255) if rng.random() < 0.6 else tuple(int(v) for v in rng.integers(0, 256, 3))
        if rng.random() < 0.5:
            cv2.putText(out, text, at, font, size, (0, 0, 0), thick + 2, cv2.LINE_AA)
        cv2.putText(out, text, at, font, size, tone, thick, cv2.LINE_AA)
    if rng.random() < 0.3 + 0.3 * amount:
        corner = (rng.uniform(-0.1, 0.7, 2) * (width, height)).astype(int)
        end = corner + (rng.uniform(0.2, 0.9, 2) * (width, height)).astype(int)
        tone = tuple(int(v) for v in rng.integers(0, 256, 3))
        thick = max(round(amount * rng.uniform(0.005, 0.025) * height), 1)
        cv2.rectangle(out, tuple(map(int, corner)), tuple(map(int, end)), tone, thick)
    return out
