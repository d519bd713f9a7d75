"""Frames to a video file: for rendered clips and tests. The service records no video."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2

from edge.arrays import BgrImage, require_bgr
from edge.errors import CameraError, ImageError


def write_video(path: Path, frames: Iterable[BgrImage], fps: float) -> int:
    """Write (H, W, 3) uint8 BGR frames of one size as motion JPEG in AVI and return how many there were."""
    writer: cv2.VideoWriter | None = None
    count, size = 0, (0, 0)
    try:
        for count, frame in enumerate(frames, start=1):
            require_bgr(frame, f"frame {count}")
            if writer is None:
                size = (frame.shape[1], frame.shape[0])
                writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
                if not writer.isOpened():
                    raise CameraError(
                        f"{path}: can't be written as a video; check the folder, its permissions and free space"
                    )
            if (frame.shape[1], frame.shape[0]) != size:
                raise ImageError(
                    f"frame {count} is {frame.shape[1]} x {frame.shape[0]} px, the first was {size[0]} x {size[1]}"
                )
            writer.write(frame)
    finally:
        if writer is not None:
            writer.release()
    return count
