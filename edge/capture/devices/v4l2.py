"""USB and CSI cameras through Linux's V4L2, by device path."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from edge.capture import READ_TIMEOUT_S
from edge.capture.devices.access import explain_device
from edge.capture.frames import SourceFrame
from edge.errors import CameraError

_BROKEN_IN_A_ROW = 30


class V4l2Source:
    """A live V4L2 device. Asks for width, height and frame rate; the driver may choose the nearest it has."""

    def __init__(self, device: str, width: int, height: int, fps: float) -> None:
        self.path = Path(f"/dev/video{device}" if device.isdecimal() else device)
        self.width = width
        self.height = height
        self.fps = fps
        self.problem: str | None = None
        self.bad_frames = 0
        self._video: cv2.VideoCapture | None = None

    def __enter__(self) -> V4l2Source:
        path = self.path
        if not path.is_char_device():
            raise CameraError(f"{path}: {explain_device(path)}")
        video = cv2.VideoCapture(str(path), cv2.CAP_V4L2)
        if not video.isOpened():
            raise CameraError(f"{path}: {explain_device(path) or 'gives no pictures in a format known here'}")
        # Raw pictures over VGA don't fit through USB 2 at full rate, so compressed ones are asked for.
        if self.width * self.height > 640 * 480:
            video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        video.set(cv2.CAP_PROP_FRAME_WIDTH, self.width)
        video.set(cv2.CAP_PROP_FRAME_HEIGHT, self.height)
        video.set(cv2.CAP_PROP_FPS, self.fps)
        video.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._video = video
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when the device gives none, as when it is unplugged."""
        assert self._video is not None, "enter the source first"
        broken = 0
        while broken < _BROKEN_IN_A_ROW:
            before_s = time.monotonic()
            is_read, image = self._video.read()
            if is_read:
                broken = 0
                yield SourceFrame(np.ascontiguousarray(image, dtype=np.uint8), None)
                continue
            broken += 1
            self.bad_frames += 1
            if not self.path.exists():
                raise CameraError(f"{self.path}: the camera is gone; plug it in again, and check its cable")
            if time.monotonic() - before_s > 0.9 * READ_TIMEOUT_S:
                break
        why = explain_device(self.path) or "the camera gives no pictures; check its plug and cable"
        raise CameraError(f"{self.path}: {why}")
