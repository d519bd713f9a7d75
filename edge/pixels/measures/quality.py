"""How good a face crop is to look at and to recognise: measured numbers, and one score made of them.

The ramps from a measurement to a part are set here, in one table, from crops of known faults (see `RAMPS`). Whether a
crop is good enough for some use is decided elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from edge.arrays import BgrImage, Boxes, Landmarks, Luma, is_aligned, require_landmarks
from edge.errors import ImageError
from edge.pixels.luma import luma
from edge.pixels.measures.faults import blockiness, blur_direction
from edge.pixels.measures.noise import WHOLE, noise
from edge.records import Quality

FACE = (slice(24, 104), slice(22, 90))
"""Rows and columns of an aligned crop that show the face whatever the hair and the background."""

NOSE_DEPTH = 0.6
"""How far the tip of the nose stands before the eyes, in eye distances; with it yaw follows from the nose's offset."""

EYES_PER_FACE = 0.4
"""Eye distance of a frontal face over the shorter side of its box."""

RAMPS: dict[str, tuple[float, float]] = {
    "sharpness": (0.25, 0.80),  # 0.70 as photographed, 0.43 under 3 px of blur at 93 px of face, 0.33 under 4.7 px
    "dark": (0.03, 0.25),  # 0.53 in daylight, 0.19 with an eighth of the light, 0.11 with a twentieth
    "bright": (0.97, 0.80),
    "noise": (0.08, 0.01),  # 0.002 as photographed, 0.026 and 0.038 under read noise of 0.06 and 0.10
    "pose": (75.0, 10.0),
    "size": (2.0, 5.3),  # octaves: eyes 4 px and 40 px apart
}
"""Where each part is 0 and where it is 1, in the unit of its measurement; a smooth step lies between.

The upper ends lie beyond what is good enough, so that among good crops the better one still scores higher.
"""

_FINE_NOISE, _COARSE_NOISE = 0.0362, 0.0091
_SLOPE_NOISE = 0.0675


def measure(aligned: BgrImage, landmarks: Landmarks, box: Boxes) -> Quality:
    """Measure an aligned crop.

    Parameters
    ----------
    aligned : (112, 112, 3) uint8 BGR, 0..255
        The face after five-point alignment. Not changed.
    landmarks : (5, 2) float32 px of the frame
        Subject's right eye, left eye, nose tip, right mouth corner, left mouth corner.
    box : (4,) xyxy px of the frame

    Returns
    -------
    Quality
        `sharpness` 0 and up (about 0.7 for a photograph), `luma` 0..1 (mean of Y' over the face), `noise` 0..1
        (standard deviation of Y'), `yaw_deg` -90..90 (positive: nose towards the right of the frame),
        `eye_distance_px` in the frame, `parts` (sharpness, luma, noise, pose, size: 0..1), `score` 0..100, 100 times
        the product of the parts.

    Raises
    ------
    ImageError
        An array of another shape or type.

    Notes
    -----
    Sharpness is the ratio of what lies between Gaussians of 1 and 2 px to what lies between 2 and 4 px (standard
    deviations), each less what the measured noise adds: neither light nor contrast nor noise moves it much, blur and
    coarse sampling do. Noise is that of `measures.noise`; interpolation smooths it, so small faces show less of it than
    the sensor made.
    Yaw takes the head for a plane of two eyes with a nose tip `NOSE_DEPTH` eye distances before it, seen from afar:
    offset of the nose along the eye axis = NOSE_DEPTH x tan(yaw). It ignores pitch and how faces differ; expect 10
    degrees of error. `size` takes the larger of the eye distance and `EYES_PER_FACE` of the box, so that a turned head
    is not marked down twice; its ramp counts octaves.
    """
    if not is_aligned(aligned):
        raise ImageError(f"quality: pass an aligned (112, 112, 3) crop, got {getattr(aligned, 'shape', type(aligned))}")
    yaw, eye_distance, place = _place_parts(landmarks, box)
    seen = _texture(luma(aligned), FACE)
    parts = {**_picture_parts(*seen[:3]), **place}
    return Quality(*seen[:3], yaw, eye_distance, 100 * math.prod(parts.values()), parts, *seen[3:])


def highest_score(landmarks: Landmarks, box: Sequence[float]) -> float:
    """The score, 0..100, of a crop with neither blur nor noise in the best of light; `measure` never tells more.

    Landmarks and box are those that `measure` takes. Raises ImageError as it does.
    """
    _, _, parts = _place_parts(landmarks, np.asarray(box, np.float32))
    return 100 * math.prod(parts.values())


def measure_picture(image: BgrImage, corner: tuple[int, int] = (0, 0)) -> Quality:
    """Measure any picture as `measure` does a crop; no pose and no size, `yaw_deg` and `eye_distance_px` are 0.

    Blocks are looked for, too: they lie on a grid that alignment destroys.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
        Not changed.
    corner : (x, y) px
        Where `image` was cut from the frame, for the grid of blocks.

    Raises
    ------
    ImageError
        `image` is no BGR image.
    """
    y = luma(image)
    seen = _texture(y, WHOLE)
    parts = _picture_parts(*seen[:3])
    return Quality(*seen[:3], 0.0, 0.0, 100 * math.prod(parts.values()), parts, *seen[3:], blockiness(y, corner))


def estimate_yaw_deg(points: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> float:
    """Yaw of the head in degrees, -90..90, from landmarks (5, 2); see the notes of `measure`."""
    eyes = points[1] - points[0]
    squared = float(eyes @ eyes)
    if squared < 1e-9:
        return 90.0
    offset = float((points[2] - (points[0] + points[1]) / 2) @ eyes) / squared
    return math.degrees(math.atan(offset / NOSE_DEPTH))


def _place_parts(landmarks: Landmarks, box: Boxes) -> tuple[float, float, dict[str, float]]:
    """Yaw in degrees, eye distance in px, and the parts that they make."""
    points = require_landmarks(landmarks).astype(np.float64)
    corners = np.asarray(box, np.float64)
    if corners.shape != (4,) or not np.isfinite(corners).all():
        raise ImageError(f"quality: pass one finite xyxy box, got shape {corners.shape}")
    eye_distance = math.hypot(*(points[1] - points[0]))
    short_side = max(0.0, min(corners[2] - corners[0], corners[3] - corners[1]))
    yaw = estimate_yaw_deg(points)
    size = _ramp("size", math.log2(max(eye_distance, EYES_PER_FACE * short_side, 1.0)))
    return yaw, eye_distance, {"pose": _ramp("pose", abs(yaw)), "size": size}


def _texture(y: Luma, region: tuple[slice, slice]) -> tuple[float, float, float, float, float]:
    """Sharpness, mean luma, noise, directedness and direction of blur in a region; see the notes of `measure`."""
    level = noise(y, region)
    blurred = [cv2.GaussianBlur(y, (0, 0), sigma)[region] for sigma in (1.0, 2.0, 4.0)]
    bands = blurred[0] - blurred[1], blurred[1] - blurred[2]
    fine, coarse = (float(cv2.meanStdDev(band)[1][0, 0]) ** 2 for band in bands)
    fine, coarse = fine - _FINE_NOISE * level**2, coarse - _COARSE_NOISE * level**2
    sharpness = math.sqrt(fine / coarse) if fine > 0 and coarse > 1e-9 else 0.0
    directed = blur_direction(*bands, _SLOPE_NOISE * level**2) if min(bands[0].shape) >= 3 else (0.0, 0.0)
    return sharpness, float(y[region].mean()), level, *directed


def _picture_parts(sharpness: float, light: float, noise: float) -> dict[str, float]:
    return {
        "sharpness": _ramp("sharpness", sharpness),
        "luma": _ramp("dark", light) * _ramp("bright", light),
        "noise": _ramp("noise", noise),
    }


def _ramp(name: str, value: float) -> float:
    """0 at or beyond the first end, 1 at or beyond the second, a smooth step between."""
    zero, one = RAMPS[name]
    t = min(max((value - zero) / (one - zero), 0.0), 1.0)
    return t * t * (3 - 2 * t)
