"""Drawn pictures without faces: shelves, grids, text, blobs, wheels, vehicles, lamps.

The detector needs more than portraits.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_SIMPLEX)


def _color(rng: np.random.Generator) -> tuple[int, int, int]:
    """Any colour, one time in three something like skin, BGR."""
    if rng.random() < 0.33:
        tone = rng.uniform(0.25, 1.0)
        b, g, r = np.array([150, 180, 230]) * tone + rng.normal(0, 12, 3)
    else:
        b, g, r = rng.integers(0, 256, 3)
    return int(np.clip(b, 0, 255)), int(np.clip(g, 0, 255)), int(np.clip(r, 0, 255))


def gradient(size: int, rng: np.random.Generator) -> Image:
    """(size, size, 3) u8 between four random corner colours."""
    corners = np.array([[_color(rng), _color(rng)], [_color(rng), _color(rng)]], dtype=np.uint8)
    return np.asarray(cv2.resize(corners, (size, size), interpolation=cv2.INTER_LINEAR))


def _item(canvas: Image, box: tuple[int, int, int, int], look: tuple[int, ...], colors: list[tuple[int, ...]]) -> None:
    """One thing on a shelf: box, tin, bottle or packet with a label, a cap and a highlight."""
    x, y, w, h = box
    body, label, cap, ink = colors
    if look[0] == 0:
        cv2.rectangle(canvas, (x, y), (x + w, y + h), body, -1)
    elif look[0] == 1:
        cv2.ellipse(
            canvas, (x + w // 2, y + h // 2), (max(w // 2, 1), max(h // 2, 1)), 0, 0, 360, body, -1, cv2.LINE_AA
        )
    else:
        neck = max(w // 5, 1)
        cv2.rectangle(canvas, (x, y + h // 3), (x + w, y + h), body, -1)
        cv2.rectangle(canvas, (x + w // 2 - neck, y), (x + w // 2 + neck, y + h // 3), body, -1)
        cv2.rectangle(canvas, (x + w // 2 - neck, y), (x + w // 2 + neck, y + h // 9), cap, -1)
        cv2.ellipse(canvas, (x + w // 2, y + h // 3), (max(w // 2, 1), max(h // 8, 1)), 0, 180, 360, body, -1)
    if look[1]:
        cv2.rectangle(canvas, (x + w // 8, y + h // 2), (x + w - w // 8, y + h - h // 8), label, -1)
    if look[2] and w > 8:
        for k in range(look[2]):
            row = y + h // 2 + (k + 1) * h // 10
            cv2.line(canvas, (x + w // 4, row), (x + w - w // 4, row), ink, max(h // 30, 1))
    if look[3]:
        cv2.circle(canvas, (x + w // 3, y + h * 2 // 5), max(w // 9, 1), ink, -1)
        cv2.circle(canvas, (x + w * 2 // 3, y + h * 2 // 5), max(w // 9, 1), ink, -1)
    if look[4]:
        cv2.line(canvas, (x + w // 6, y + h // 4), (x + w // 6, y + h * 3 // 4), (235, 240, 240), max(w // 14, 1))


def shelves(size: int, rng: np.random.Generator) -> Image:
    """Rows of repeated goods, in a random perspective."""
    canvas = gradient(size, rng)
    y = int(rng.integers(-20, 10))
    while y < size:
        height = int(rng.integers(12, 64))
        board = _color(rng)
        cv2.rectangle(canvas, (0, y), (size, y + height), tuple(int(v * 0.5) for v in board), -1)
        x = int(rng.integers(-20, 4))
        while x < size:
            width = int(np.clip(height * rng.uniform(0.25, 1.3), 4, 70))
            look = (int(rng.integers(3)), *(int(v) for v in rng.random(4) < (0.6, 0.5, 0.2, 0.4)))
            look = (look[0], look[1], look[2] * int(rng.integers(1, 4)), look[3], look[4])
            colors: list[tuple[int, ...]] = [_color(rng) for _ in range(4)]
            for _ in range(int(rng.integers(1, 8))):
                top = y + int(rng.integers(0, max(height // 5, 1)))
                _item(canvas, (x, top, width, y + height - top), look, colors)
                x += width + int(rng.integers(0, 4))
        cv2.rectangle(canvas, (0, y + height), (size, y + height + 3), board, -1)
        y += height + int(rng.integers(2, 12))
    corners = np.array([[0, 0], [size, 0], [size, size], [0, size]], dtype=np.float32)
    moved = corners + rng.normal(0, size * 0.12, (4, 2)).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    return np.asarray(cv2.warpPerspective(canvas, matrix, (size, size), borderMode=cv2.BORDER_REFLECT))


def stripes(size: int, rng: np.random.Generator) -> Image:
    """Gratings, grids, blinds and brick-like patterns."""
    y, x = np.mgrid[:size, :size].astype(np.float32)
    angle, period = rng.uniform(0, np.pi), rng.uniform(3, 50)
    wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period + rng.uniform(0, 6))
    if rng.random() < 0.6:
        wave = wave * np.sin((y * np.cos(angle) - x * np.sin(angle)) * 2 * np.pi / (period * rng.uniform(0.4, 2.5)))
    share = np.clip(wave * rng.choice([0.5, 4.0]) + 0.5, 0, 1)[..., None]
    return np.asarray(gradient(size, rng) * share + gradient(size, rng) * (1 - share)).astype(np.uint8)


def blobs(size: int, rng: np.random.Generator) -> Image:
    """Smooth random colour fields at several scales, with ellipses that look a little like heads."""
    canvas = np.zeros((size, size, 3), np.float32)
    for cells in (3, 8, 20, 60):
        field = rng.normal(0, 1, (cells, cells, 3)).astype(np.float32)
        canvas += cv2.resize(field, (size, size), interpolation=cv2.INTER_CUBIC) * rng.uniform(5, 45)
    image = np.clip(canvas + np.array(_color(rng), np.float32), 0, 255).astype(np.uint8)
    for _ in range(int(rng.integers(0, 14))):
        a = int(np.exp(rng.uniform(np.log(4), np.log(60))))
        x, y = (int(v) for v in rng.integers(0, size, 2))
        tilt = float(rng.uniform(-30, 30))
        cv2.ellipse(image, (x, y), (a, int(a * rng.uniform(0.7, 1.6))), tilt, 0, 360, _color(rng), -1, cv2.LINE_AA)
        for _k in range(int(rng.integers(0, 4))):
            dx, dy = (int(v) for v in rng.normal(0, a / 2.2, 2))
            cv2.circle(image, (x + dx, y + dy), max(a // int(rng.integers(4, 9)), 1), _color(rng), -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.0)))


def text(size: int, rng: np.random.Generator) -> Image:
    """Signs and posters."""
    image = gradient(size, rng)
    letters = np.array(list("ABCDEFGHKLMNOPRSTUVWXYZabcdeghkmnoprsu0123456789%&@#:;()!?"))
    for _ in range(int(rng.integers(4, 30))):
        word = "".join(rng.choice(letters, int(rng.integers(1, 9))))
        place = (int(rng.integers(-20, size)), int(rng.integers(0, size)))
        height, width = float(np.exp(rng.uniform(-1, 1.2))), int(rng.integers(1, 5))
        cv2.putText(image, word, place, _FONTS[rng.integers(4)], height, _color(rng), width, cv2.LINE_AA)
    return image


def wheels(size: int, rng: np.random.Generator) -> Image:
    """Round things of rings, spokes and dots: wheels, clocks, fans, loudspeakers, plates."""
    canvas = gradient(size, rng) if rng.random() < 0.5 else shelves(size, rng)
    for _ in range(int(rng.integers(1, 9))):
        radius = int(np.exp(rng.uniform(np.log(5), np.log(80))))
        x, y = (int(v) for v in rng.integers(0, size, 2))
        flat, tilt = float(rng.uniform(0.5, 1.0)), float(rng.uniform(0, 180))
        dark = tuple(int(v * 0.3) for v in _color(rng)) if rng.random() < 0.6 else _color(rng)
        share = 1.0
        for color in (dark, *(_color(rng) for _ in range(int(rng.integers(0, 4))))):
            axes = (max(int(radius * share), 1), max(int(radius * share * flat), 1))
            cv2.ellipse(canvas, (x, y), axes, tilt, 0, 360, color, -1, cv2.LINE_AA)
            share *= float(rng.uniform(0.55, 0.9))
        number, turn = int(rng.integers(0, 13)), float(rng.uniform(0, 2 * np.pi))
        c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
        kind, color, width = int(rng.integers(3)), _color(rng), max(radius // int(rng.integers(8, 20)), 1)
        for k in range(number):
            angle = turn + 2 * np.pi * k / number
            u, v = np.cos(angle), np.sin(angle) * flat
            reach = radius * float(0.85 if kind == 0 else 0.6)
            px, py = int(x + (u * c - v * s) * reach), int(y + (u * s + v * c) * reach)
            if kind == 0:
                cv2.line(canvas, (x, y), (px, py), color, width, cv2.LINE_AA)
            else:
                cv2.circle(canvas, (px, py), width if kind == 1 else 2 * width, color, -1, cv2.LINE_AA)
    if rng.random() < 0.5:
        pale = cv2.cvtColor(cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        canvas = np.asarray(cv2.addWeighted(canvas, 0.25, pale, 0.75, 0), dtype=np.uint8)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 1.2)))


def vehicles(size: int, rng: np.random.Generator) -> Image:
    """Cycles and motorcycles: two wheels, a frame of tubes, and shiny rounded parts such as tank, saddle and lamp."""
    canvas = gradient(size, rng) if rng.random() < 0.5 else stripes(size, rng)
    for _ in range(int(rng.integers(1, 4))):
        radius = int(np.exp(rng.uniform(np.log(8), np.log(70))))
        x, y = (int(v) for v in rng.integers(0, size, 2))
        hubs = ((x, y), (x + int(radius * rng.uniform(2.0, 3.4)), y + int(rng.normal(0, radius / 8))))
        squeeze, dark = float(rng.uniform(0.35, 1.0)), tuple(int(v) for v in rng.integers(5, 60, 3))
        for hub in hubs:
            _wheel(canvas, hub, radius, squeeze, dark, rng)
        top = y - int(radius * rng.uniform(0.7, 1.6))
        knots = [
            *hubs,
            *((int(rng.integers(hubs[0][0], hubs[1][0] + 1)), top + int(rng.normal(0, radius / 4))) for _ in "abc"),
        ]
        tube = _color(rng)
        for a in range(len(knots)):
            for b in range(a):
                if rng.random() < 0.5:
                    cv2.line(canvas, knots[a], knots[b], tube, max(radius // 9, 1), cv2.LINE_AA)
        for knot in knots[2:] + [hubs[0]] * int(rng.integers(0, 2)):
            _shiny(canvas, knot, radius * float(rng.uniform(0.25, 0.75)), rng)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 1.4)))


def _wheel(
    canvas: Image, hub: tuple[int, int], radius: int, squeeze: float, dark: tuple[int, ...], rng: np.random.Generator
) -> None:
    """A tyre, a rim, spokes, a disc and a hub."""
    for share, color in ((1.0, dark), (0.8, _color(rng)), (0.72, _color(rng))):
        axes = (max(int(radius * share * squeeze), 1), max(int(radius * share), 1))
        cv2.ellipse(canvas, hub, axes, 0, 0, 360, color, -1 if share < 1 or rng.random() < 0.6 else 3, cv2.LINE_AA)
    number, spoke = int(rng.integers(3, 24)), _color(rng)
    for k in range(number):
        angle = 2 * np.pi * k / number
        end = (int(hub[0] + radius * 0.75 * squeeze * np.cos(angle)), int(hub[1] + radius * 0.75 * np.sin(angle)))
        cv2.line(canvas, hub, end, spoke, max(radius // int(rng.integers(8, 30)), 1), cv2.LINE_AA)
    for share in (rng.uniform(0.3, 0.5), 0.12):
        axes = (max(int(radius * share * squeeze), 1), max(int(radius * share), 1))
        cv2.ellipse(canvas, hub, axes, 0, 0, 360, _color(rng), -1, cv2.LINE_AA)


def _shiny(canvas: Image, at: tuple[int, int], size: float, rng: np.random.Generator) -> None:
    """A rounded part, lit from above, with a highlight and one or two dark marks."""
    tilt, flat, base = float(rng.uniform(-40, 40)), float(rng.uniform(0.4, 1.2)), np.array(_color(rng), np.float64)
    for step in range(5):
        share, light = 1.0 - step / 6, 0.6 + 0.15 * step
        color = tuple(int(v) for v in np.clip(base * light, 0, 255))
        axes = (max(int(size * share), 1), max(int(size * flat * share), 1))
        place = (at[0], int(at[1] - size * 0.12 * step))
        cv2.ellipse(canvas, place, axes, tilt, 0, 360, color, -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 3))):
        dx, dy = (int(v) for v in rng.normal(0, size / 2.5, 2))
        cv2.circle(canvas, (at[0] + dx, at[1] + dy), max(int(size / 7), 1), tuple(int(v) for v in base * 0.3), -1)


def lamps(size: int, rng: np.random.Generator) -> Image:
    """Headlights, mirrors, domes, pots: oval glass or metal in a rim, with all that is reflected in it."""
    canvas = (shelves, vehicles, gradient, stripes)[rng.integers(4)](size, rng)
    for _ in range(int(rng.integers(1, 6))):
        _lamp(canvas, float(np.exp(rng.uniform(np.log(6), np.log(80)))), rng)
    return np.asarray(cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.3, 1.2)))


def _lamp(canvas: Image, radius: float, rng: np.random.Generator) -> None:
    """One lamp of that radius, px: a bowl behind, a rim, and glass with flutes, reflections and a bulb."""
    size = len(canvas)
    middle, away = rng.uniform(0, size, 2), rng.uniform(0, 2 * np.pi)
    flat, tilt = float(rng.uniform(0.6, 1.0)), float(rng.uniform(0, 180))
    bowl = np.array(_color(rng), np.float64) * rng.uniform(0.1, 0.6)
    depth = float(rng.uniform(0.0, 0.5))
    for step in range(4):  # the bowl narrows towards its back
        wide, light = 1.15 - 0.1 * (3 - step), 0.7 + 0.25 * step
        at = middle + radius * depth * (3 - step) / 3 * np.array([np.cos(away), np.sin(away)])
        _oval(canvas, at, radius * wide, flat, tilt, bowl * light)
    if rng.random() < 0.7:
        _oval(canvas, middle, radius * 1.08, flat, tilt, np.full(3, rng.uniform(90, 250)))
        _oval(canvas, middle, radius * 1.02, flat, tilt, bowl * 0.5)
    reach = radius * 1.3 + 2
    left, top = (max(int(value - reach), 0) for value in middle)
    part = canvas[top : int(middle[1] + reach), left : int(middle[0] + reach)]
    middle = middle - (left, top)
    mask = np.zeros(part.shape[:2], np.uint8)
    _oval(mask, middle, radius, flat, tilt, np.full(3, 255.0))
    share = cv2.GaussianBlur(mask, (0, 0), 0.5 + radius / 40).astype(np.float32)[..., None] / 255
    part[:] = (part * (1 - share) + _glass(part.shape[:2], middle, radius, rng) * share).astype(np.uint8)


def _glass(
    shape: tuple[int, ...], middle: NDArray[np.float64], radius: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """What shines in a lamp, (H, W, 3) 0..255: a tone, smooth spots of light and dark, flutes, and a bulb."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    u, v = (x - middle[0]) / radius, (y - middle[1]) / radius
    light = np.float32(rng.uniform(0.6, 1.0)) + np.float32(rng.normal(0, 0.15)) * u + np.float32(rng.normal(0, 0.2)) * v
    for _ in range(int(rng.integers(2, 9))):
        (at_u, at_v), wide, high = rng.normal(0, 0.45, 2), *np.exp(rng.uniform(-2.5, -0.6, 2))
        spot = np.exp(-(((u - at_u) / wide) ** 2) - ((v - at_v) / high) ** 2)
        light += np.float32(rng.uniform(0.2, 0.9) * rng.choice([-1, 1])) * spot.astype(np.float32)
    if rng.random() < 0.6:
        turn, period = rng.uniform(0, np.pi), rng.uniform(0.06, 0.3)
        flutes = np.sin((u * np.cos(turn) + v * np.sin(turn)) * 2 * np.pi / period)
        light *= 1 + np.float32(rng.uniform(0.02, 0.25)) * flutes.astype(np.float32)
    for _ in range(int(rng.integers(0, 3))):
        at_u, at_v = rng.normal(0, 0.3, 2)
        is_bulb = (u - at_u) ** 2 + (v - at_v) ** 2 < rng.uniform(0.05, 0.2) ** 2
        light[is_bulb] *= np.float32(rng.uniform(0.2, 0.6))
    tone = np.array(_color(rng), np.float32)
    if rng.random() < 0.5:
        tone += (tone.mean() - tone) * np.float32(0.7)
    return np.asarray(np.clip(light[..., None] * tone + np.float32(rng.uniform(0, 40)), 0, 255), np.float32)


def _oval(
    canvas: Image, at: NDArray[np.float64], radius: float, flat: float, tilt: float, color: NDArray[np.float64]
) -> None:
    """A filled ellipse, its place and radius in px."""
    axes = (max(round(radius * flat), 1), max(round(radius), 1))
    place = (round(float(at[0])), round(float(at[1])))
    shown = tuple(int(value) for value in np.clip(color, 0, 255))
    cv2.ellipse(canvas, place, axes, tilt, 0, 360, shown, -1, cv2.LINE_AA)


def draw(size: int, rng: np.random.Generator) -> Image:
    """One drawn picture, (size, size, 3) u8 BGR; shelves most often."""
    kind = rng.choice(7, p=(0.24, 0.11, 0.13, 0.1, 0.12, 0.12, 0.18))
    return (shelves, stripes, blobs, text, wheels, vehicles, lamps)[kind](size, rng)
