"""A second look at each face, turned upright and brought to one size, and at its mirror image.

The first look sees a face at any size and angle. Where the picture is dark or noisy its landmarks scatter, and the
recogniser pays for that: it was taught faces that lie where they should. No network runs here.
"""

from __future__ import annotations

import numpy as np

from edge.arrays import BgrImage, Landmarks
from edge.detect.looks import Candidates
from edge.pixels.faces.geometry import align, invert, similarity_from_landmarks

FACE_PX = 68
"""Side of the aligned face within a tile."""
MARGIN_PX = 14
TILE_PX = FACE_PX + 2 * MARGIN_PX
"""A multiple of every detector's stride."""
MOST_FACES = 32
"""Faces of a frame that are looked at again, best first: a crowd must not cost seconds."""
FARTHEST = 0.35
"""Mean shift of the points, in eye distances, beyond which the second look saw something else."""
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
    middles = (seen.boxes[:, :2] + seen.boxes[:, 2:]) / 2
    found = []
    for number in (0, 1):
        away = np.abs(middles - np.float32(TILE_PX) * (np.array([number, 0], np.float32) + np.float32(0.5)))
        rows = np.flatnonzero((away < TILE_PX / 4).all(axis=1))
        if len(rows):
            points = seen.landmarks[rows[0]] - np.array([number * TILE_PX, 0], np.float32)
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
