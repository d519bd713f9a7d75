"""Lays one picture over another; the demo clip is rendered with it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError


def soft_ellipses(
    shape: tuple[int, int], ellipses: list[tuple[tuple[int, int], tuple[int, int]]], feather_px: float
) -> NDArray[np.float32]:
    """Return an (H, W) float32 mask: 1 inside any ellipse ((x, y) centre, (x, y) half axes, px), feathered to 0."""
    mask = np.zeros(shape, np.uint8)
    for centre, axes in ellipses:
        cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    soft = cv2.GaussianBlur(mask, (0, 0), feather_px)
    return np.asarray(soft / np.float32(255), np.float32)


def paste(
    background: BgrImage, picture: BgrImage, mask: NDArray[np.float32], *, scale: float, corner: tuple[float, float]
) -> BgrImage:
    """Return a copy of `background` with `picture` laid over it.

    Parameters
    ----------
    background, picture : (H, W, 3) and (h, w, 3) uint8 BGR, 0..255. Neither is changed.
    mask : (h, w) float32, 0..1, how much of the picture shows.
    scale : factor the picture is resized by, > 0.
    corner : (x, y) px in the background where the picture's corner comes to lie; parts outside are cut off.

    Raises
    ------
    ImageError
        Picture and mask differ in size, the scale is not positive, or an array is no BGR image.
    """
    require_bgr(background, "background")
    require_bgr(picture, "picture")
    if mask.shape != picture.shape[:2]:
        raise ImageError(f"mask {mask.shape} and picture {picture.shape[:2]} must have one size")
    if scale <= 0:
        raise ImageError(f"scale is {scale}: it must be positive")
    height, width = background.shape[:2]
    # Shrunk by area first: a warp alone would sample every n-th pixel and shimmer from frame to frame.
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small, soft = cv2.resize(picture, size, interpolation=method), cv2.resize(mask, size, interpolation=method)
    move = np.array([[1, 0, corner[0]], [0, 1, corner[1]]], np.float32)
    over = cv2.warpAffine(small, move, (width, height)).astype(np.float32)
    alpha = cv2.warpAffine(soft, move, (width, height))[:, :, np.newaxis]
    mixed = over * alpha + background.astype(np.float32) * (1 - alpha)
    return np.clip(np.rint(mixed), 0, 255).astype(np.uint8)


def fit(image: BgrImage, width: int, height: int) -> BgrImage:
    """Return a copy cut to the aspect ratio about its centre and resized to `width` x `height` px."""
    require_bgr(image)
    h, w = image.shape[:2]
    scale = max(width / w, height / h)
    cut_w, cut_h = min(round(width / scale), w), min(round(height / scale), h)
    left, top = (w - cut_w) // 2, (h - cut_h) // 2
    cut = image[top : top + cut_h, left : left + cut_w]
    return np.asarray(cv2.resize(cut, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
