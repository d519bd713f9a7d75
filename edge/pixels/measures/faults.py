"""Measures faults of a picture that decide its cure: the direction of its blur, and blocks from compression.

`quality` measures light, sharpness and noise.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import Luma

BLOCK_PX = 8
_EPSILON = 1e-9


def blur_direction(fine: Luma, coarse: Luma, fine_noise: float = 0.0) -> tuple[float, float]:
    """How directed a blur is, and where it points.

    Parameters
    ----------
    fine, coarse : (H, W) float32, at least 3 x 3
        Two bands of one picture: what lies between Gaussians of 1 and 2 px, and between 2 and 4 px.
    fine_noise : float, 0 or more
        What noise adds to the mean squared slope of `fine` along any axis; taken off.

    Returns
    -------
    directedness : float, 0..1
        0: equally sharp all around; 1: all detail is gone along one direction.
    degrees : float, 0..180
        The direction with the least detail, from the x axis towards the y axis (downwards).

    Notes
    -----
    Slopes of a face point mostly up and down, blurred or not. So each band's structure tensor is taken and the fine one
    is judged by the coarse one: the extremes of u'Fu / u'Cu over unit vectors u are the eigenvalues of C^-1 F.
    """
    detail, form = _tensor(fine), _tensor(coarse)
    detail[0, 0] = max(detail[0, 0] - fine_noise, 0.0)
    detail[1, 1] = max(detail[1, 1] - fine_noise, 0.0)
    form += np.eye(2) * _EPSILON
    values, vectors = np.linalg.eig(np.linalg.solve(form, detail))
    sizes = np.maximum(np.real(values), 0.0)
    least = int(np.argmin(sizes))
    if sizes.max() <= _EPSILON:
        return 0.0, 0.0
    x, y = np.real(vectors[:, least])
    return 1.0 - math.sqrt(float(sizes.min() / sizes.max())), math.degrees(math.atan2(y, x)) % 180.0


def blockiness(y: Luma, corner: tuple[int, int] = (0, 0)) -> float:
    """How much steeper steps at block borders are than other steps, 0 and up (JPEG quality 15: about .5).

    Parameters
    ----------
    y : (H, W) float32, 0..1
        Not changed.
    corner : (x, y) px
        Where the picture begins in the one that was compressed: borders lie where that one's coordinate divides by 8.

    Notes
    -----
    After Wang, Bovik, Evans (2000): the mean absolute step over a border against the mean of all others, the smaller
    of both axes, so that a fence or a window is not taken for blocks.
    """
    found = []
    for axis, offset in ((1, corner[0]), (0, corner[1])):
        if y.shape[axis] < 2 * BLOCK_PX:
            return 0.0
        steps = np.abs(np.diff(y, axis=axis)).mean(axis=1 - axis)
        is_border = (np.arange(len(steps)) + 1 + offset) % BLOCK_PX == 0
        inner = float(steps[~is_border].mean())
        found.append(float(steps[is_border].mean()) / max(inner, 1e-4) - 1.0)
    return max(min(found), 0.0)


def _tensor(band: Luma) -> NDArray[np.float64]:
    """Structure tensor: mean products of the slopes, (2, 2) float64."""
    across = band[1:-1, 2:] - band[1:-1, :-2]
    down = band[2:, 1:-1] - band[:-2, 1:-1]
    mixed = cv2.sumElems(across * down)[0]  # like the norms summed in float64, without arrays of it
    squared = [cv2.norm(slope, cv2.NORM_L2SQR) for slope in (across, down)]
    return np.array([[squared[0], mixed], [mixed, squared[1]]]) / across.size
