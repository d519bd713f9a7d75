"""Covering the faces of people whom a kept picture is not about. Nothing here knows whose face is whose."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, Boxes, require_bgr
from edge.errors import ImageError

MARGIN = 0.35
"""How far the cover reaches beyond a box on each side, in box sizes: hair, ears and chin tell who somebody is, too."""


def cover_faces(image: BgrImage, faces: Boxes, own: Boxes | None = None, *, margin: float = MARGIN) -> BgrImage:
    """Paint faces over in black, as privacy masks are, so that nothing of them can be brought back.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
        Never written to.
    faces : (N, 4) float32 xyxy px
        The faces to cover; N may be 0. Parts outside the picture are ignored.
    own : (4,) float32 xyxy px, or None
        The face that stays. Where it and a covered face overlap, a pixel stays if it is nearer to the middle of this
        one, each distance counted in half box sides along the axis where it is larger.
    margin : float, 0 or more
        How far each cover, and what is spared around `own`, reaches beyond the box on each side, in box sizes.

    Returns
    -------
    (H, W, 3) uint8 BGR
        A new array; `image` itself where nothing had to be covered.

    Raises
    ------
    ImageError
        Not a BGR picture, boxes that are not finite or have no area, or a margin below 0.

    Notes
    -----
    Black rather than coarse blocks, which can be matched against pictures made as coarse, and rather than the mean
    color: to an embedder a flat patch of it resembles blurred faces.
    """
    require_bgr(image)
    covered, reach = _checked(faces, "faces"), 1 + 2 * margin
    kept = None if own is None else _checked(np.asarray(own, np.float64)[np.newaxis], "own")[0]
    if margin < 0:
        raise ImageError(f"a face can't be covered with the margin {margin}: pass 0 or more")
    out = image
    for box in covered:
        rows, columns = _reached(box, reach, image.shape)
        if rows.stop <= rows.start or columns.stop <= columns.start:
            continue
        far = _distance(box, rows, columns)
        near = None if kept is None else _distance(kept, rows, columns)
        if near is not None and all((side <= reach).any() for side in near):
            apart, own_apart = _larger(*far), _larger(*near)
            hidden = (apart <= reach) & ((own_apart > apart) | (own_apart > reach))
            if hidden.any():
                out = image.copy() if out is image else out
                out[rows, columns][hidden] = 0
            continue
        down, across = (np.flatnonzero(side <= reach) for side in far)
        if down.size and across.size:  # nothing of the face that stays is near: a whole rectangle
            out = image.copy() if out is image else out
            out[rows, columns][down[0] : down[-1] + 1, across[0] : across[-1] + 1] = 0
    return out


def _checked(boxes: Boxes | NDArray[np.float64], name: str) -> NDArray[np.float64]:
    checked = np.asarray(boxes, np.float64)
    if checked.ndim != 2 or checked.shape[1] != 4 or not np.isfinite(checked).all():
        raise ImageError(f"{name} must be finite and (N, 4) xyxy, got shape {checked.shape}")
    if (checked[:, 2:] <= checked[:, :2]).any():
        raise ImageError(f"{name} must have an area: the far corner lies beyond the near one")
    return checked


def _reached(box: NDArray[np.float64], reach: float, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the picture that the cover may touch."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    low, high = np.floor(middle - half * reach), np.ceil(middle + half * reach)
    left, top = (int(v) for v in np.clip(low, 0, (shape[1], shape[0])))
    right, bottom = (int(v) for v in np.clip(high, 0, (shape[1], shape[0])))
    return slice(top, bottom), slice(left, right)


def _distance(box: NDArray[np.float64], rows: slice, columns: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance of the middle of each row and of each column from the box's, in half sides: 1 on its border."""
    (x, y), (across, down) = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    dx = np.abs(np.arange(columns.start, columns.stop) + 0.5 - x) / across
    dy = np.abs(np.arange(rows.start, rows.stop) + 0.5 - y) / down
    return dy, dx


def _larger(down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each pixel: the larger of the two, (rows, columns)."""
    return np.asarray(np.maximum(down[:, np.newaxis], across), np.float64)
