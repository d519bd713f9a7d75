"""Pictures for the detector: training people on all sorts of backgrounds, and many pictures without anybody.

The teacher decides afterwards what is a face. Pictures come as (clean, degraded) pairs of one scene.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.pixels import degrade
from tools.train import paths
from tools.train.material import clutter, heads, leaning, views
from tools.train.material.canvases import central_face
from tools.train.material.faults import families
from tools.train.material.teachers import FaceFinder

Image = NDArray[np.uint8]

FROM_ABOVE_SHARE = 0.4
"""Of the small faces that are pasted: heads seen from above."""
LEAST_FROM_ABOVE_PX = 14.0
"""Smaller ones are blots of skin and hair, of which shelves are full."""
DECOY_SHARE = 0.35
"""Of those: without a face."""


class Portraits(NamedTuple):
    """Training pictures with the named person's face, and scenes as they are."""

    pictures: NDArray[np.uint8]  # (N, 250, 250, 3) BGR, memory-mapped
    faces: NDArray[np.float32]  # (N, 4) x, y, w, h px
    scenes: list[Image]
    canvases: NDArray[np.uint8] | None = None  # (N, 144, 144, 3) BGR, memory-mapped: faces for heads seen from above


def build(folder: Path, limit: int | None = None) -> None:
    """Cache the training people's pictures and face boxes."""
    folder.mkdir(parents=True, exist_ok=True)
    find, pictures, faces = FaceFinder(), [], []
    for path in paths.lfw_pictures(paths.LFW / "people_train.txt")[:limit]:
        image = paths.read_picture(path)
        if image is None or image.shape != (250, 250, 3):
            continue
        face = central_face(find(image), image.shape[1], image.shape[0])
        if face is not None:
            pictures.append(image)
            faces.append(face[:4])
    np.save(folder / "portraits.npy", np.stack(pictures))
    np.save(folder / "portrait_faces.npy", np.stack(faces))


def load(folder: Path) -> Portraits:
    """Open the cache and read the scenes."""
    pictures = np.load(folder / "portraits.npy", mmap_mode="r")
    scenes = [paths.read_picture(path) for path in paths.scene_pictures()]
    faces = np.load(folder / "portrait_faces.npy")
    aligned = folder / "canvases.npy"
    canvases = np.load(aligned, mmap_mode="r") if aligned.is_file() else None
    return Portraits(pictures, faces, [scene for scene in scenes if scene is not None], canvases)


def crop(image: Image, size: int, zoom: float, rng: np.random.Generator) -> Image:
    """(size, size, 3): a random place of an image enlarged by `zoom` (more where it would be too small)."""
    zoom = max(zoom, size / min(image.shape[:2]))
    side = min(max(int(size / zoom), 8), *image.shape[:2])
    y, x = (int(rng.integers(0, n - side + 1)) for n in image.shape[:2])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image[y : y + side, x : x + side], (size, size), interpolation=how))


def any_patch(stock: Portraits, size: int, zoom: float, rng: np.random.Generator) -> Image:
    """A piece of a scene or of a portrait, as it comes."""
    if rng.random() < 0.5 and stock.scenes:
        return crop(stock.scenes[rng.integers(len(stock.scenes))], size, zoom, rng)
    return crop(np.asarray(stock.pictures[rng.integers(len(stock.pictures))]), size, zoom, rng)


def patchwork(stock: Portraits, size: int, rng: np.random.Generator) -> Image:
    """Rows of small patches of scenes and portraits: real texture with the layout of shelves and crowds.

    Half of them are seen from twice as far away, so that packets are as small as far faces.
    """
    if rng.random() < 0.5:
        return np.asarray(cv2.resize(_patches(stock, 2 * size, rng), (size, size), interpolation=cv2.INTER_AREA))
    return _patches(stock, size, rng)


def _patches(stock: Portraits, size: int, rng: np.random.Generator) -> Image:
    canvas = np.zeros((size, size, 3), np.uint8)
    y = 0
    while y < size:
        height, x = int(rng.integers(14, 90)), 0
        while x < size:
            width = int(np.clip(height * rng.uniform(0.4, 1.6), 10, 120))
            patch = any_patch(stock, max(height, width), float(np.exp(rng.uniform(-1.5, 1.5))), rng)
            for _ in range(int(rng.integers(1, 4))):
                part = patch[: min(height, size - y), : max(min(width, size - x), 0)]
                canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
                x += width
        y += height
    return canvas


def background(stock: Portraits, size: int, rng: np.random.Generator) -> Image:
    """Something to put faces on, or to leave empty; one time in five lying on its side or upside down."""
    image = _upright(stock, size, rng)
    return np.ascontiguousarray(np.rot90(image, int(rng.integers(1, 4)))) if rng.random() < 0.2 else image


def _upright(stock: Portraits, size: int, rng: np.random.Generator) -> Image:
    kind = rng.random()
    if kind < 0.42:
        return clutter.draw(size, rng)
    if kind < 0.58:
        return patchwork(stock, size, rng)
    if stock.scenes and kind < 0.85:
        zoom = float(np.exp(rng.uniform(-0.7, 0.9)))
        return crop(stock.scenes[rng.integers(len(stock.scenes))], size, zoom, rng)
    return _beside_face(stock, size, rng)


def _beside_face(stock: Portraits, size: int, rng: np.random.Generator) -> Image:
    """What is left, right or below the face in a portrait: clothes, walls, crowds, half faces."""
    row = int(rng.integers(len(stock.pictures)))
    picture, (x, y, w, h) = np.asarray(stock.pictures[row]), stock.faces[row]
    cuts = (picture[:, : max(int(x), 12)], picture[:, int(min(x + w, 238)) :], picture[int(min(y + h, 238)) :])
    cut = cuts[rng.integers(3)]
    return crop(cut, size, float(np.exp(rng.uniform(-0.2, 0.8))), rng)


def _paste(canvas: Image, tile: Image, rng: np.random.Generator, share: NDArray[np.float32] | None = None) -> None:
    """Put a tile somewhere, sometimes over the edge; it covers `share` of what is behind it, else all of that or an
    oval with a soft border.
    """
    size, side = canvas.shape[0], tile.shape[0]
    x, y = (int(v) for v in rng.integers(-side // 5, max(size - side * 4 // 5, 1), 2))
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + side, size), min(y + side, size)
    part = tile[top - y : bottom - y, left - x : right - x]
    if share is None and rng.random() < 0.5:
        canvas[top:bottom, left:right] = part
        return
    if share is None:
        mask = np.zeros((side, side), np.float32)
        axes = (int(side * 0.43), int(side * 0.48))
        cv2.ellipse(mask, (side // 2, side // 2), axes, 0, 0, 360, 1.0, -1)
        share = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(side / 40, 0.5)), np.float32)
    share = share[top - y : bottom - y, left - x : right - x, None]
    canvas[top:bottom, left:right] = part * share + canvas[top:bottom, left:right] * (1 - share)


def face_tile(stock: Portraits, face_px: float, rng: np.random.Generator) -> Image:
    """A square around a training face, with a random margin, scaled so that the face is `face_px` wide."""
    row = int(rng.integers(len(stock.pictures)))
    picture, (x, y, w, h) = np.asarray(stock.pictures[row]), stock.faces[row]
    half = min(max(w, h) * rng.uniform(0.6, 1.3), 125)
    cx, cy = np.clip(x + w / 2, half, 250 - half), np.clip(y + h / 2, half, 250 - half)
    cut = picture[int(cy - half) : int(cy + half), int(cx - half) : int(cx + half)]
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    side = max(round(2 * half * face_px / float(w)), 6)
    cut = np.ascontiguousarray(cut)
    if rng.random() < 0.3:
        turn = cv2.getRotationMatrix2D((cut.shape[1] / 2, cut.shape[0] / 2), float(rng.normal(0, 16)), 1.0)
        cut = cv2.warpAffine(cut, turn, (cut.shape[1], cut.shape[0]), borderMode=cv2.BORDER_REFLECT)
    if rng.random() < 0.3:
        cut = views.tinted(np.asarray(cut), rng)
    how = cv2.INTER_AREA if side < cut.shape[0] else cv2.INTER_LINEAR
    tile = np.asarray(cv2.resize(cut, (side, side), interpolation=how), np.uint8)
    return bent(tile, rng) if rng.random() < 0.6 else tile


def head_tile(
    canvases: NDArray[np.uint8], face_px: float, rng: np.random.Generator
) -> tuple[Image, NDArray[np.float32]]:
    """A head seen from above whose face is `face_px` wide, leaning a little, and the share that it covers.

    One time in three it is none: the back of a head, plain skin under hair, a hand.
    """
    row = int(rng.integers(len(canvases)))
    image, share = heads.from_above(np.asarray(canvases[row]) if rng.random() > DECOY_SHARE else None, rng)
    if rng.random() < 0.3:
        image = np.asarray(views.tinted(image, rng))
    turn = cv2.getRotationMatrix2D((heads.SIDE_PX / 2, heads.SIDE_PX / 2), float(rng.normal(0, 14)), 1.0)
    size = (heads.SIDE_PX, heads.SIDE_PX)
    image = np.asarray(cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    share = np.asarray(cv2.warpAffine(share, turn, size, borderMode=cv2.BORDER_REPLICATE), np.float32)
    side = max(round(heads.SIDE_PX * face_px / heads.FACE_PX), 8)
    how = cv2.INTER_AREA if side < heads.SIDE_PX else cv2.INTER_LINEAR
    sized = (cv2.resize(plane, (side, side), interpolation=how) for plane in (image, share))
    return np.asarray(next(sized), np.uint8), np.asarray(next(sized), np.float32)


def bent(tile: Image, rng: np.random.Generator) -> Image:
    """As if the head were lowered, raised or turned: press photos show few such heads, cameras above doors show many.

    Features slide down (more often) or up and to a side, the far part shrinks, the face becomes shorter; its outline
    stays.
    """
    side = tile.shape[0]
    y, x = np.mgrid[-1.0 : 1.0 : side * 1j, -1.0 : 1.0 : side * 1j].astype(np.float32)
    if (
        rng.random() < 0.4
    ):  # from high above: the hair fills half of the head, the face is short and narrows to the chin
        middle, spread = (0.32, 0, 0.2, 0.16), (0.14, 0.2, 0.15, 0.12)
    else:
        middle, spread = (0.12, 0, 0, 0.05), (0.2, 0.15, 0.17, 0.13)
    down, turn, short, taper = (float(v) for v in rng.normal(middle, spread))
    bulge = np.clip(1.0 - x * x, 0, 1) * np.clip(1.0 - y * y, 0, 1)
    source_y = y * (1.0 + abs(short)) - down * bulge
    source_x = x * (1.0 + taper * y) - turn * bulge
    half = (side - 1) / 2
    return np.asarray(
        cv2.remap(tile, source_x * half + half, source_y * half + half, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    )


def mosaic(stock: Portraits, size: int, rng: np.random.Generator) -> tuple[Image, float]:
    """A clean picture at twice the size, (2 * size, 2 * size, 3) u8 BGR, and the typical width of its faces at `size`,
    px. Shrunk to `size`, its backgrounds are what they were; its faces are finer than that.
    """
    kind = rng.random()
    typical = float(np.exp(rng.uniform(np.log(10), np.log(200))))
    if kind < 0.36:  # nobody, unless the teacher says so
        return _twice(background(stock, size, rng)), typical
    if kind < 0.52:  # a portrait as it is, larger or smaller than the frame
        row = int(rng.integers(len(stock.pictures)))
        picture, zoom = np.asarray(stock.pictures[row]), typical / float(stock.faces[row, 2])
        if zoom * 250 >= size:
            return crop(picture, 2 * size, 2 * zoom, rng), typical
        side = 2 * max(int(250 * zoom), 16)
        canvas = _twice(background(stock, size, rng))
        for y in range(0, 2 * size, side):
            for x in range(0, 2 * size, side):
                if rng.random() < 0.6:
                    other = np.asarray(stock.pictures[rng.integers(len(stock.pictures))])
                    how = cv2.INTER_AREA if side < 250 else cv2.INTER_LINEAR
                    part = cv2.resize(other, (side, side), interpolation=how)[: 2 * size - y, : 2 * size - x]
                    canvas[y : y + side, x : x + side] = part
        return canvas, typical
    canvas = _twice(background(stock, size, rng))
    number = int(np.clip(rng.poisson(min((size / typical / 2) ** 2, 7)), 1, 12))
    for face_px in sorted(np.exp(rng.normal(np.log(typical), 0.35, number)), reverse=True):
        face_px = float(np.clip(face_px, 8, 210))
        is_small = LEAST_FROM_ABOVE_PX <= face_px < heads.FACE_PX
        if stock.canvases is not None and is_small and rng.random() < FROM_ABOVE_SHARE:
            tile, share = head_tile(stock.canvases, 2 * face_px, rng)
            _paste(canvas, tile, rng, share)
        else:
            _paste(canvas, face_tile(stock, 2 * face_px, rng), rng)
    return canvas, typical


def _twice(image: Image) -> Image:
    """Every pixel four times, so that the mean of the four is the picture again."""
    return np.ascontiguousarray(image.repeat(2, axis=0).repeat(2, axis=1))


class Scene(NamedTuple):
    """One scene, (size, size, 3) u8 BGR each, but `large`, (2 * size, 2 * size, 3)."""

    large: Image
    clean: Image
    """Like `large` for the teacher."""
    light: Image
    """A lightly changed view for the student, turned by `degrees` where that is not 0."""
    worse: Image
    """A heavily changed one, turned likewise."""
    degrees: float


def pair(stock: Portraits, size: int, rng: np.random.Generator) -> Scene:
    """Two views of one scene, and what the teacher sees of it."""
    large, typical = mosaic(stock, size, rng)
    if rng.random() < 0.5:
        large = np.ascontiguousarray(large[:, ::-1])
    clean = np.asarray(cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    degrees = leaning.draw_degrees(rng)
    shown = leaning.turned(clean, degrees) if degrees else clean
    light = views.tinted(shown, rng) if rng.random() < 0.4 else shown
    if rng.random() < 0.3:
        light = views.compressed(light, rng)
    # One time in three the level is not scaled down with the faces: a camera does not know how far away they are.
    face_px = degrade.REFERENCE_FACE_PX if rng.random() < 0.33 else float(np.clip(typical, 12, 130))
    worse, _ = views.degraded(light, face_px, rng, left_out=families.OF_A_CROP + families.HIDING)
    return Scene(large, clean, light, worse, degrees)
