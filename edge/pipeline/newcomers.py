"""Faces where none is followed yet: each is looked at again before a track may begin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.arrays import BgrImage
from edge.detect import Detector, FaceDetector
from edge.pipeline.regions import Region, detect_in
from edge.pixels.faces.boxes import iou
from edge.records import Detections, Track, TrackState

SAME_PLACE_IOU = 0.3


def search(
    detector: Detector, image: BgrImage, min_score: float, tracks: Sequence[Track], region: Region | None = None
) -> Detections:
    """What a detector's first look finds, in a region of the image or in all of it, without what lies apart from every
    confirmed track and is no face at a second look."""
    if region is None:
        found = detector.detect(image, min_score)
    else:
        boxes = np.array([track.box for track in tracks], np.float32).reshape(-1, 4)
        found = detect_in(detector, image, region, min_score, boxes)
    if not isinstance(detector, FaceDetector):
        return found
    known = [track.box for track in tracks if track.state is TrackState.CONFIRMED]
    is_known = np.zeros(len(found), np.bool_)
    if known and len(found):
        is_known = np.asarray((iou(found.boxes, np.array(known, np.float32)) >= SAME_PLACE_IOU).any(axis=1))
    return detector.without_phantoms(image, found, is_known)
