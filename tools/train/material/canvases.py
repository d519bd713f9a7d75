"""A canvas is an aligned crop with a margin, so that training can move, turn and scale the face in it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.pixels.faces import geometry

MARGIN_PX = 16
CANVAS_PX = geometry.ALIGNED_PX + 2 * MARGIN_PX
CANVAS_FACE_PX = 85.0
"""Width of a face in a canvas as a detector would box it (eye distance 35 px)."""


def canvas_of(image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(CANVAS_PX, CANVAS_PX, 3) u8 BGR: the aligned crop with its margin; the border is replicated, not black."""
    matrix = geometry.similarity_from_landmarks(landmarks)
    matrix[:, 2] += MARGIN_PX
    size = (CANVAS_PX, CANVAS_PX)
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def inner(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The aligned crop inside a canvas (or inside each of a stack of canvases)."""
    return canvas[..., MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX, :]


def middle(image: NDArray[np.uint8], size: int = geometry.ALIGNED_PX) -> NDArray[np.uint8]:
    """The middle (size, size, 3) of a canvas, copied: cut after a blur, it has no border of the blur's own."""
    at = (CANVAS_PX - size) // 2
    return np.ascontiguousarray(image[at : at + size, at : at + size])


def central_face(faces: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32] | None:
    """The row whose centre is nearest to the middle: in LFW that is the named person."""
    if len(faces) == 0:
        return None
    centre = faces[:, :2] + faces[:, 2:4] / 2 - np.array([width / 2, height / 2], dtype=np.float32)
    return np.asarray(faces[int(np.argmin((centre**2).sum(1)))])
