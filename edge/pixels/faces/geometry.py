"""Face alignment, letterboxing and padding, with the ways back.

Pure functions. Points are (x, y) float32 px with pixel centres at whole numbers; landmarks are always in the order
subject's right eye, left eye, nose tip, right mouth corner, left mouth corner. Matrices are (2, 3) float32 and map a
column (x, y, 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from edge.arrays import ALIGNED_PX as ALIGNED_PX
from edge.arrays import require_bgr, require_landmarks
from edge.errors import ImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.arrays import BgrImage, Landmarks

ARCFACE_POINTS: NDArray[np.float32] = np.array(
    [[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37], [70.73, 92.20]], dtype=np.float32
)
ARCFACE_POINTS.setflags(write=False)


def similarity_from_landmarks(landmarks: Landmarks, size: int = ALIGNED_PX) -> NDArray[np.float32]:
    """Least-squares rotation, uniform scale and shift from landmarks to the ArcFace points.

    Parameters
    ----------
    landmarks : (5, 2) f32, px of the image
    size : side of the aligned crop, px

    Returns
    -------
    (2, 3) f32
        Maps image px to crop px.

    Raises
    ------
    ImageError
        Wrong shape, not finite, or all five points in one place.

    Notes
    -----
    Umeyama (1991), eq. 40-42. In two dimensions without reflection the SVD has a closed form: with centred points as
    complex numbers p (source) and q (target), scale and rotation are sum(conj(p) q) / sum(|p|^2).
    """
    points = require_landmarks(landmarks).astype(np.float64)
    target = ARCFACE_POINTS.astype(np.float64) * (size / ALIGNED_PX)
    source_mean, target_mean = points.mean(0), target.mean(0)
    p, q = points - source_mean, target - target_mean
    spread = float((p * p).sum())
    if spread < 1e-6:
        raise ImageError("alignment: the five landmarks are one point")
    a = float((p * q).sum()) / spread
    b = float((p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum()) / spread
    linear = np.array([[a, -b], [b, a]])
    shift = target_mean - linear @ source_mean
    return np.column_stack([linear, shift]).astype(np.float32)


def align(image: BgrImage, landmarks: Landmarks, size: int = ALIGNED_PX, margin: int = 0) -> BgrImage:
    """The face upright in a square crop, eyes and mouth at the ArcFace points.

    Parameters
    ----------
    image : (H, W, 3) u8, BGR, 0..255
        Never written to.
    landmarks : (5, 2) f32, px of `image`
    size : side of the crop, px
    margin : what is shown beyond it on each side, px

    Returns
    -------
    (size + 2 * margin, size + 2 * margin, 3) u8, BGR
        A new array; what lies outside `image` is black.

    Raises
    ------
    ImageError
        Wrong shape or dtype, or landmarks that `similarity_from_landmarks` refuses.

    Notes
    -----
    Bilinear. Faces more than twice as large as the crop are first shrunk by area so that the crop does not alias.
    """
    require_bgr(image)
    matrix = similarity_from_landmarks(landmarks, size)
    shrink = 1.0 / float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if shrink > 2.0:
        left, top, right, bottom = _surroundings(image, matrix, size, margin, 4 * shrink)
        image, landmarks = image[top:bottom, left:right], landmarks - np.array([left, top], np.float32)
        height, width = image.shape[:2]
        small = (max(round(2 * width / shrink), 1), max(round(2 * height / shrink), 1))
        ratio = np.array([small[0] / width, small[1] / height])
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        # Pixel centres: x' = (x + 0.5) * ratio - 0.5.
        moved = (np.asarray(landmarks, dtype=np.float64) + 0.5) * ratio - 0.5
        matrix = similarity_from_landmarks(moved.astype(np.float32), size)
    matrix[:, 2] += margin
    side = size + 2 * margin
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR), dtype=np.uint8)


def _surroundings(
    image: BgrImage, matrix: NDArray[np.float32], size: int, margin: int, reach: float
) -> tuple[int, int, int, int]:
    """What of an image a crop by `matrix` is made of, left, top, right, bottom px, `reach` px around included.

    All of the image where that is half of it or more: of a large frame with a near face, shrinking all of it for each
    face costs more than the detector does.
    """
    height, width = image.shape[:2]
    low, high = -margin, size + margin
    corners = np.array([(low, low), (high, low), (low, high), (high, high)], np.float64)
    back = invert(matrix)
    corners = corners @ back[:, :2].T.astype(np.float64) + back[:, 2]
    left, top = np.clip(np.floor(corners.min(0) - reach), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0) + reach), 0, (width, height)).astype(int)
    area = (right - left) * (bottom - top)
    if area == 0 or 2 * area >= width * height:
        return 0, 0, width, height
    return int(left), int(top), int(right), int(bottom)


def enlarged_points(points: Landmarks, ratio: float) -> Landmarks:
    """Where points of a picture, (N, 2) f32 px, lie in the same picture `ratio` times as large; a new array.

    Pixels are counted from the middle of the first one: x' = (x + 0.5) * ratio - 0.5.
    """
    return np.asarray((points + np.float32(0.5)) * np.float32(ratio) - np.float32(0.5), np.float32)


def invert(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """The (2, 3) f32 map back; raises ImageError where `matrix` is not invertible."""
    linear = matrix[:, :2].astype(np.float64)
    if abs(np.linalg.det(linear)) < 1e-12:
        raise ImageError("geometry: the map has no inverse")
    inverse = np.linalg.inv(linear)
    return np.column_stack([inverse, -inverse @ matrix[:, 2]]).astype(np.float32)


class Letterbox(NamedTuple):
    """How an image was fitted into a network's input: `fitted = original * scale`, at the top left corner."""

    scale: float
    width_px: int
    height_px: int

    def back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (..., 2) f32 px of the network's input -> px of the original image; a new array."""
        return np.asarray(points / np.float32(self.scale), dtype=np.float32)


def pad_to_multiple(image: BgrImage, multiple: int = 32) -> BgrImage:
    """Black added right and below until both sides divide by `multiple`.

    `image` is (H, W, 3) u8; the result is a new array, or `image` itself where nothing is missing. Coordinates stay.
    """
    height, width = image.shape[:2]
    bottom, right = -height % multiple, -width % multiple
    if bottom == 0 and right == 0:
        return image
    padded = np.zeros((height + bottom, width + right, 3), dtype=np.uint8)
    padded[:height, :width] = image
    return padded


def letterbox(image: BgrImage, max_side_px: int, multiple: int = 32) -> tuple[BgrImage, Letterbox]:
    """Shrink so that the longer side is at most `max_side_px` (never enlarge), then pad right and below.

    Parameters
    ----------
    image : (H, W, 3) u8, BGR
        Never written to.
    max_side_px : >= 1, px
    multiple : both sides of the result divide by it

    Returns
    -------
    (H2, W2, 3) u8 and the `Letterbox` that maps points back
        The image is a new array, or `image` itself where neither shrinking nor padding was needed.

    Raises
    ------
    ImageError
        Wrong shape or dtype, empty image, or a size below 1.
    """
    require_bgr(image)
    if max_side_px < 1 or multiple < 1:
        raise ImageError(f"letterbox: sizes must be positive, got {max_side_px} and {multiple}")
    height, width = image.shape[:2]
    scale = min(1.0, max_side_px / max(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    if scale < 1.0:
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return pad_to_multiple(image, multiple), Letterbox(scale, size[0], size[1])
