"""Finds faces: one image in, `Detections` out, by our models and by baselines. No face is followed or named here.

detector   a network of the YuNet format, and which detector the configuration names
looks      what one look at a picture found; several looks as one answer
upright    a second look at each face, turned upright
cells      the YuNet format
haar       the baseline of the first prototypes
"""

from edge.detect.cells import STRIDES, decode
from edge.detect.detector import Detector, FaceDetector, Settle, build_detector, for_stills, in_two_looks
from edge.detect.haar import HaarDetector
from edge.detect.looks import TILE_OVERLAP, tiles

__all__ = [
    "STRIDES",
    "TILE_OVERLAP",
    "Detector",
    "FaceDetector",
    "HaarDetector",
    "Settle",
    "build_detector",
    "decode",
    "for_stills",
    "in_two_looks",
    "tiles",
]
