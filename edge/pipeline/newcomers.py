"""Faces where none is followed yet: each is looked at again before a track may begin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import BgrImage
from edge.detect import Detector, FaceDetector
from edge.pixels.faces.boxes import iou
from edge.records import Detections, Track, TrackState

SAME_PLACE_IOU = 0.3


def search(detector: Detector, image: BgrImage, min_score: float, tracks: Sequence[Track]) -> Detections:
    """What a detector's first look finds, without what lies apart from every confirmed track and is no face at a second
    look."""
    found = detector.detect(image, min_score)
    if not isinstance(detector, FaceDetector):
        return found
    known = [track.box for track in tracks if track.state is TrackState.CONFIRMED]
    is_known = np.zeros(len(found), np.bool_)
    if known and len(found):
        is_known = np.asarray((iou(found.boxes, np.array(known, np.float32)) >= SAME_PLACE_IOU).any(axis=1))
    return detector.without_phantoms(image, found, is_known)
