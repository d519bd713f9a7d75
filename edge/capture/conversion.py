"""Luma and chroma to BGR, by FFmpeg's own code: the same pixels wherever it is done, and those that OpenCV gives.

Imports PyAV, which costs memory: whoever may do without imports it late.
"""

from __future__ import annotations

import threading

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from edge.arrays import BgrImage

VIDEO_420, FULL_420 = "yuv420p", "yuvj420p"
"""FFmpeg's names for planes with black at 16, and at 0."""
_here = threading.local()


def to_bgr(frame: VideoFrame, reformatter: VideoReformatter, width: int, height: int) -> BgrImage:
    """A decoded frame as a new image of that size, (H, W, 3) uint8; `reformatter` keeps what a size took to set up."""
    shaped = reformatter.reformat(
        frame,
        width,
        height,
        "bgr24",
        src_colorspace=Colorspace.ITU601,
        dst_colorspace=Colorspace.ITU601,
        interpolation=Interpolation.BICUBIC,
        threads=1,
    )
    return np.asarray(shaped.to_ndarray(), np.uint8)


def rows_to_bgr(rows: NDArray[np.uint8], *, is_full_range: bool) -> BgrImage:
    """The image, (H, W, 3) uint8, of planes one behind the other, (H * 3 / 2, W) uint8: as `to_bgr` makes it."""
    height, width = rows.shape[0] * 2 // 3, rows.shape[1]
    frame = VideoFrame.from_numpy_buffer(rows, FULL_420 if is_full_range else VIDEO_420)
    if not hasattr(_here, "reformatter"):
        _here.reformatter = VideoReformatter()
    return to_bgr(frame, _here.reformatter, width, height)
