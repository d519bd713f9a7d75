"""Drawn pictures: faces, scenes, a PNG that lies, and dark ones for LIME."""

from __future__ import annotations

import functools
import hashlib
import struct
import zlib
from collections.abc import Mapping

import cv2
import numpy as np

SCENE = (640, 360)


def draw_face(seed: int, side: int = 112, light: float = 1.0) -> np.ndarray:
    """A cartoon face, (side, side, 3) uint8 BGR; the same seed gives the same face."""
    rng = np.random.default_rng(seed)
    image = np.full((112, 112, 3), (70, 60, 50), np.uint8)
    skin = tuple(int(v) for v in rng.integers((110, 140, 170), (150, 190, 230)))
    hair = tuple(int(v) for v in rng.integers(10, 70, 3))
    cv2.ellipse(image, (56, 44), (42, 42), 0, 0, 360, hair, -1, cv2.LINE_AA)
    cv2.ellipse(image, (56, 62), (35, 46), 0, 0, 360, skin, -1, cv2.LINE_AA)
    for x in (38, 74):
        cv2.ellipse(image, (x, 52), (8, 5), 0, 0, 360, (245, 245, 245), -1, cv2.LINE_AA)
        cv2.circle(image, (x, 52), 3, (50, 30, 20), -1, cv2.LINE_AA)
        cv2.line(image, (x - 9, 43), (x + 9, 42), hair, 2, cv2.LINE_AA)
    cv2.line(image, (56, 56), (53, 73), tuple(int(v * 0.75) for v in skin), 2, cv2.LINE_AA)
    cv2.ellipse(image, (56, 88), (15, 5), 0, 0, 180, (80, 70, 160), 3, cv2.LINE_AA)
    image = (image.astype(np.float32) * light).astype(np.uint8)
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_CUBIC)


def draw_scene(step: int = 0) -> tuple[np.ndarray, list[tuple[float, float, float, float]]]:
    """A dim corridor with two faces, the first of which moves with `step`: image and boxes."""
    width, height = SCENE
    ramp = np.linspace(90, 30, height, dtype=np.float32)[:, None, None]
    image = np.broadcast_to(ramp, (height, width, 3)).astype(np.uint8).copy()
    for x in range(40, width, 120):
        cv2.rectangle(image, (x, 60), (x + 70, 230), (75, 70, 66), -1)
    boxes = []
    for seed, x, y, side in ((1, 90 + step * 6 % 320, 120, 96), (7, 500, 150, 64)):
        image[y : y + side, x : x + side] = draw_face(seed, side, 0.8)
        boxes.append((x + side * 0.18, y + side * 0.12, x + side * 0.82, y + side * 0.96))
    return image, boxes


def png(image: np.ndarray) -> bytes:
    """Encode as PNG."""
    return cv2.imencode(".png", image)[1].tobytes()


def jpeg(image: np.ndarray) -> bytes:
    """Encode as JPEG."""
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()


def sha256(data: bytes) -> str:
    """Hash by which a picture is kept."""
    return hashlib.sha256(data).hexdigest()


@functools.cache
def pictures(seed: int) -> Mapping[str, bytes]:
    """Frame, crop, enhanced and reference picture of one drawn person, by role."""
    crop = draw_face(seed, light=0.35)
    return {
        "frame": jpeg(draw_scene(seed)[0]),
        "crop": png(crop),
        "enhanced": png(np.clip(crop.astype(np.float32) * 2.4, 0, 255).astype(np.uint8)),
        "reference": png(draw_face(seed)),
    }


def png_that_says(width: int, height: int) -> bytes:
    """A PNG whose header promises a huge picture: a few kilobytes that would be gigabytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 10_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


LIME_PICTURES = ("building", "cars", "lamp", "land", "moon", "paint", "robot", "wires")


def dark_scene(height: int, width: int, channels: int | None = 3) -> np.ndarray:
    """Soft light over edges and noise, dark enough that LIME has work to do."""
    rng = np.random.default_rng(height * 1000 + width)
    rows, columns = np.mgrid[0:height, 0:width]
    light = 0.25 * np.exp(-(((rows - height / 3) / (height + 1)) ** 2 + ((columns - width / 2) / (width + 1)) ** 2) * 4)
    shape = (height, width) if channels is None else (height, width, channels)
    paint = np.where((rows // 6 + columns // 8) % 2 == 0, 0.9, 0.4).reshape(height, width, *([1] * (len(shape) - 2)))
    image = light.reshape(paint.shape) * paint * rng.uniform(0.7, 1.0, shape)
    return np.asarray((image * 255).astype(np.uint8))
