"""A second look at each face, turned upright and brought to one size, and at its mirror image.

The first look sees a face at any size and angle. Where the picture is dark or noisy its landmarks scatter, and the
recogniser pays for that: it was taught faces that lie where they should. And it takes letters, screens and stairs for
faces now and then, which upright and alone look like none. No network runs here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from edge.arrays import BgrImage, Boxes, Landmarks
from edge.detect.looks import Candidates
from edge.pixels.faces.geometry import align, invert, similarity_from_landmarks
from edge.pixels.luma import luma
from edge.pixels.measures.noise import noise
from edge.pixels.measures.quality import FACE, measure

FACE_PX = 68
"""Side of the aligned face within a tile."""
MARGIN_PX = 14
TILE_PX = FACE_PX + 2 * MARGIN_PX
"""A multiple of every detector's stride."""
MOST_FACES = 32
"""Faces of a frame that are looked at again, best first: a crowd must not cost seconds."""
FARTHEST = 0.35
"""Mean shift of the points, in eye distances, beyond which the second look saw something else."""
LEANING_DEG = 8.0
"""Turn of the line of the eyes by a second look from which on the face is looked at again, turned by so much more: of
a face that leans a first look places the points too upright, and each look upright comes nearer."""
MOST_LOOKS = 3
"""Looks at one face after the first one."""
SURE_SCORE = 0.85
"""Score of a first look from which on nothing is doubted."""
SEEN_SCORE = 0.59
"""Score that one of the two tiles must reach. What is no face stays below it, but so do faces in the dark, in haze, in
noise and far out of focus; so it is asked only of what is clear."""
CLEAR_CONTRAST = 0.05
"""Standard deviation of the luma, 0..1, over an upright face from which on it is clear. Faces that stay below
`SEEN_SCORE` (95 in 100 of them): to .05 at `dark:5` and `haze:4`. What is no face in the footage: from .07."""
CLEAR_SHARPNESS = 0.36
"""Sharpness from which on a face is clear. Half of the faces that stay below `SEEN_SCORE`: to .30 at `blur:3` and
`lowres:3`, to .35 at `cctv:3` and `motion:2`. What is no face in the footage: from .37."""
CLEAR_NOISE = 0.035
"""Noise, standard deviation of the luma, 0..1, up to which a face is clear. Faces that stay below `SEEN_SCORE` at
`noise:3`: from .045. What is no face in the footage: to .024."""
_MIRRORED = [1, 0, 2, 4, 3]
"""Eyes and corners of the mouth change places in a mirror."""


def upright_tiles(image: BgrImage, landmarks: Landmarks) -> BgrImage:
    """(TILE_PX, 2 * TILE_PX, 3) u8 BGR: the face of `landmarks` upright, and its mirror image beside it.

    Raises ImageError where the points can't be those of a face.
    """
    tile = align(image, landmarks, FACE_PX, MARGIN_PX)
    return np.ascontiguousarray(np.hstack([tile, tile[:, ::-1]]))


def settled(landmarks: Landmarks, seen: Candidates) -> Landmarks:
    """The points as the second look places them.

    Parameters
    ----------
    landmarks : (5, 2) float32 px of the picture
        Those that the tiles were made from; not changed.
    seen : Candidates
        What the network saw in the tiles, best first, in their pixels.

    Returns
    -------
    (5, 2) float32 px of the picture
        The mean of what was seen in both tiles, or in the one in which a face was seen; `landmarks` themselves where
        none was, or where it lies somewhere else.
    """
    found = []
    for number, row in _rows_of_tiles(seen):
        points = seen.landmarks[row] - np.array([number * TILE_PX, 0], np.float32)
        if number:
            points = points[_MIRRORED] * np.array([-1, 1], np.float32) + np.array([TILE_PX, 0], np.float32)
        found.append(points)
    if not found:
        return landmarks
    back = similarity_from_landmarks(landmarks, FACE_PX)
    back[:, 2] += MARGIN_PX
    back = invert(back)
    points = np.mean(found, axis=0) @ back[:, :2].T + back[:, 2]
    shift = float(np.linalg.norm(points - landmarks, axis=1).mean())
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    return np.asarray(points, np.float32) if shift <= FARTHEST * eyes else landmarks


def leans(before: Landmarks, after: Landmarks) -> bool:
    """Whether a look moved (5, 2) points so that the line of the eyes turned by `LEANING_DEG` or more."""
    (x1, y1), (x2, y2) = before[1] - before[0], after[1] - after[0]
    return math.degrees(abs(math.atan2(x1 * y2 - y1 * x2, x1 * x2 + y1 * y2))) >= LEANING_DEG


def is_face(seen: Candidates) -> bool:
    """Whether a second look takes what is in the middle of a tile for a face."""
    return any(seen.scores[row] >= SEEN_SCORE for _, row in _rows_of_tiles(seen))


def is_clear(image: BgrImage, landmarks: Landmarks, box: Boxes) -> bool:
    """Whether a face with these (5, 2) landmarks and (4,) xyxy box, px of the image, shows enough to be told from what
    is none: contrast and detail, and little noise.

    Raises ImageError where the points can't be those of a face.
    """
    aligned = align(image, landmarks)
    if float(luma(aligned)[FACE].std()) < CLEAR_CONTRAST:
        return False
    if measure(aligned, landmarks, box).sharpness < CLEAR_SHARPNESS:
        return False
    # Of the picture as it came: aligning smooths noise.
    height, width = image.shape[:2]
    x1, y1, x2, y2 = np.clip(np.rint(box), 0, [width, height, width, height]).astype(int)
    return x2 > x1 and y2 > y1 and noise(luma(np.ascontiguousarray(image[y1:y2, x1:x2]))) <= CLEAR_NOISE


def _rows_of_tiles(seen: Candidates) -> Iterator[tuple[int, int]]:
    """Number of each tile with something in its middle, and the row of the best."""
    middles = (seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2
    for number in (0, 1):
        away = np.abs(middles - np.float32(TILE_PX) * (np.array([number, 0], np.float32) + np.float32(0.5)))
        rows = np.flatnonzero((away < TILE_PX / 4).all(axis=1))
        if len(rows):
            yield number, int(rows[0])
