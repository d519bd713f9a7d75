"""One face of one frame as a shot: aligned, measured and embedded, or why it can't be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge.detect import Settle
from edge.enhance import Enhancer
from edge.enhance.scoring import score_face
from edge.errors import ImageError
from edge.pixels.faces.geometry import align
from edge.pixels.measures.quality import measure
from edge.recipes import Recipe
from edge.recognise import Embedder
from edge.records import Crop, Frame, Quality, Reason, Track

_REASON_OF_PART = {
    "size": Reason.TOO_SMALL,
    "sharpness": Reason.BLUR,
    "pose": Reason.POSE,
    "luma": Reason.EXPOSURE,
    "noise": Reason.EXPOSURE,
}


def align_and_measure(frame: Frame, track: Track) -> Crop:
    """Align the track's face to 112 x 112 and measure it."""
    image = align(frame.image, track.landmarks)
    return Crop(
        frame_id=frame.frame_id,
        captured_at=frame.captured_at,
        box=track.box,
        score=track.score,
        landmarks=track.landmarks,
        image=image,
        quality=measure(image, track.landmarks, np.asarray(track.box, np.float32)),
    )


def cut_shot(frame: Frame, track: Track, min_quality: float) -> Crop | Reason:
    """The track's face as a shot, or why it can't be one."""
    try:
        crop = align_and_measure(frame, track)
    except ImageError:  # no points of a face: some detectors put all five at one place
        return Reason.POSE
    return crop if crop.quality.score >= min_quality else weakest_part(crop.quality)


def cut_settled_shot(
    frame: Frame, track: Track, min_face_px: float, min_quality: float, settle: Settle
) -> Crop | Reason:
    """As `cut_shot`, with the landmarks where a second look places them."""
    track = replace(track, landmarks=settle(frame.image, track.landmarks))
    return box_problem(frame, track, min_face_px) or cut_shot(frame, track, min_quality)


def weakest_part(quality: Quality) -> Reason:
    """Name the part that pulled the quality down most."""
    part = min(quality.parts, key=lambda name: quality.parts[name])
    return _REASON_OF_PART.get(part, Reason.BLUR)


def box_problem(frame: Frame, track: Track, min_face_px: float) -> Reason | None:
    """Why the face can't be a shot: too small, or not wholly in the frame."""
    x1, y1, x2, y2 = track.box
    if min(x2 - x1, y2 - y1) < min_face_px:
        return Reason.TOO_SMALL
    height, width = frame.pixels.shape[:2]
    inside = (track.landmarks >= 0).all() and (track.landmarks < (width, height)).all()
    return None if inside else Reason.EDGE


def embed_shot(
    frame: Frame, crop: Crop, embedder: Embedder, enhancer: Enhancer | None, known: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], Recipe]:
    """Embeddings of the original face and, where a step is shown to help with its faults, of the enhanced one.

    `known`: that of the original, (1, D), where it was made already.
    """
    if enhancer is None or not enhancer.helps_recognition:
        why = () if enhancer is None else enhancer.plan(crop.quality, for_recognition=True).skipped
        return embedder.embed(crop.image[np.newaxis]) if known is None else known, Recipe((), why)
    measured = crop.image, crop.quality
    scored = score_face(frame.image, crop.landmarks, np.array(crop.box, np.float32), enhancer, measured)
    if scored.enhanced is not None:  # together: in a batch of two the last digits of the original may differ
        return embedder.embed([crop.image, scored.enhanced]), scored.recipe
    return embedder.embed([crop.image]) if known is None else known, scored.recipe
