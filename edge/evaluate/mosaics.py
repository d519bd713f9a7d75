"""Seeded pictures with known faces: people pasted small into scenes. Truth is where the tiles were pasted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes
from edge.detect import Detector
from edge.errors import ImageError
from edge.pixels.faces.boxes import iou
from edge.pixels.resize import resize

HEIGHT, WIDTH = 480, 640
MIN_FACE_PX, MAX_FACE_PX = 12.0, 80.0
SURE, DOUBTFUL = 0.8, 0.3
"""Scores of the peer on the clean picture: sure faces are truth; doubtful ones are neither right nor wrong to find."""
MAX_TILES = 14
_TRIES = 30


@dataclass(frozen=True, slots=True)
class Source:
    """A clean picture with what the peer sees in it at full size; `main` is the widest sure face."""

    image: BgrImage
    boxes: Boxes
    landmarks: NDArray[np.float32]
    sure: NDArray[np.bool_]
    main: int


@dataclass(frozen=True, slots=True)
class Mosaic:
    """A picture and its truth; a detection on an `ignored` box counts for nothing."""

    image: BgrImage
    boxes: Boxes
    landmarks: NDArray[np.float32]
    ignored: Boxes

    @property
    def face_px(self) -> float:
        """Median width of its faces, which degradations scale with."""
        return float(np.median(self.boxes[:, 2] - self.boxes[:, 0])) if len(self.boxes) else MAX_FACE_PX


def read_sources(paths: Sequence[Path], peer: Detector, read_image: Callable[[Path], BgrImage]) -> list[Source]:
    """Pictures in which the peer is sure of a face; the others are left out."""
    found = []
    for path in paths:
        image = read_image(path)
        seen = peer.detect(image, DOUBTFUL)
        sure = seen.scores >= SURE
        if sure.any():
            widths = np.where(sure, seen.boxes[:, 2] - seen.boxes[:, 0], -1.0)
            found.append(Source(image, seen.boxes, seen.landmarks, sure, int(np.argmax(widths))))
    return found


def make_mosaics(
    sources: Sequence[Source], scenes: Sequence[BgrImage], peer: Detector, count: int, seed: int = 0
) -> list[Mosaic]:
    """`count` mosaics, the same for the same arguments. A scene in which the peer suspects a face is drawn again."""
    if not sources or not scenes:
        raise ImageError("mosaics need pictures with a face and scenes without one; give folders that hold some")
    return [_compose(np.random.default_rng([seed, number]), sources, scenes, peer) for number in range(count)]


def _compose(rng: np.random.Generator, sources: Sequence[Source], scenes: Sequence[BgrImage], peer: Detector) -> Mosaic:
    image = _background(rng, scenes, peer)
    taken = np.zeros((0, 4), np.float32)
    boxes, landmarks, ignored = [], [], []
    for _ in range(int(rng.integers(3, MAX_TILES + 1))):
        source = sources[int(rng.integers(len(sources)))]
        width = float(np.exp(rng.uniform(np.log(MIN_FACE_PX), np.log(MAX_FACE_PX))))
        cut, ratio = _cut(rng, source, width)
        tile_width, tile_height = (max(2, round(float(side) * ratio)) for side in (cut[2] - cut[0], cut[3] - cut[1]))
        place = _place(rng, tile_width, tile_height, taken)
        if place is None:
            continue
        left, top = place
        taken = np.vstack([taken, np.array([[left, top, left + tile_width, top + tile_height]], np.float32)])
        x1, y1, x2, y2 = (int(v) for v in cut)
        image[top : top + tile_height, left : left + tile_width] = resize(
            source.image[y1:y2, x1:x2], tile_height, tile_width
        )
        scale = np.array([tile_width / (x2 - x1), tile_height / (y2 - y1)], np.float32)
        shift = np.array([left, top], np.float32) - cut[:2] * scale
        for index in range(len(source.boxes)):
            box = source.boxes[index] * np.tile(scale, 2) + np.tile(shift, 2)
            part = np.clip(box, taken[-1][[0, 1, 0, 1]], taken[-1][[2, 3, 2, 3]])
            if min(part[2] - part[0], part[3] - part[1]) <= 0:
                continue
            whole = source.sure[index] and np.abs(part - box).max() <= 0.1 * (box[2] - box[0])
            if whole and box[2] - box[0] >= MIN_FACE_PX * 0.9:
                boxes.append(box)
                landmarks.append(source.landmarks[index] * scale + shift)
            else:
                ignored.append(part)
    return Mosaic(image, _stack(boxes, (4,)), _stack(landmarks, (5, 2)), _stack(ignored, (4,)))


def _background(rng: np.random.Generator, scenes: Sequence[BgrImage], peer: Detector) -> BgrImage:
    """A random cut of a random scene, mirrored or not, in the mosaic's size."""
    for _ in range(_TRIES):
        scene = scenes[int(rng.integers(len(scenes)))]
        share = float(rng.uniform(0.6, 1.0))
        fit = min(scene.shape[1] / WIDTH, scene.shape[0] / HEIGHT) * share
        cut_width, cut_height = max(1, int(WIDTH * fit)), max(1, int(HEIGHT * fit))
        left = int(rng.integers(scene.shape[1] - cut_width + 1))
        top = int(rng.integers(scene.shape[0] - cut_height + 1))
        image = resize(scene[top : top + cut_height, left : left + cut_width], HEIGHT, WIDTH)
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
        if len(peer.detect(image, DOUBTFUL)) == 0:
            return image
    raise ImageError("nearly every scene shows a face; give a folder of scenes without people")


def _cut(rng: np.random.Generator, source: Source, face_width: float) -> tuple[NDArray[np.float32], float]:
    """The part of the picture that is pasted (whole px) and the factor that makes its face `face_width` px wide."""
    box = source.boxes[source.main]
    middle, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()) * float(rng.uniform(1.4, 2.4))
    limits = np.array([source.image.shape[1], source.image.shape[0]], np.float32)
    low = np.floor(np.clip(middle - side / 2, 0, limits - 2))
    high = np.ceil(np.clip(middle + side / 2, low + 2, limits))
    return np.concatenate([low, high]).astype(np.float32), face_width / float(box[2] - box[0])


def _place(rng: np.random.Generator, width: int, height: int, taken: Boxes) -> tuple[int, int] | None:
    """A free place for a tile, or None."""
    if width >= WIDTH or height >= HEIGHT:
        return None
    for _ in range(_TRIES):
        left, top = int(rng.integers(WIDTH - width)), int(rng.integers(HEIGHT - height))
        tile = np.array([[left, top, left + width, top + height]], np.float32)
        if len(taken) == 0 or not iou(tile, taken).any():
            return left, top
    return None


def _stack(rows: list[NDArray[np.float32]], shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.stack(rows).astype(np.float32) if rows else np.zeros((0, *shape), np.float32)
