"""Raspberry Pi cameras through picamera2, which is imported here alone and only when such a camera is opened.

Its `stop()` can hang for ever. Nothing here guards against that: the parent kills this process.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import numpy as np

from edge.capture.frames import SourceFrame
from edge.errors import CameraError


class PicameraSource:
    """A live Raspberry Pi camera by its number."""

    def __init__(self, number: int, width: int, height: int, fps: float) -> None:
        self.number = number
        self.width = width
        self.height = height
        self.fps = fps
        self.problem: str | None = None
        self.bad_frames = 0
        self._camera: Any = None

    def __enter__(self) -> PicameraSource:
        try:
            library = importlib.import_module("picamera2")
        except ImportError as error:
            raise CameraError(
                f"picamera:{self.number}: picamera2 can't be imported ({error}); install python3-picamera2, "
                "and make the virtual environment with --system-site-packages"
            ) from None
        try:
            camera = library.Picamera2(self.number)
            # What picamera2 calls RGB888 lies in memory as blue, green, red: our order, so nothing is converted.
            wanted = camera.create_video_configuration(
                main={"size": (self.width, self.height), "format": "RGB888"}, controls={"FrameRate": self.fps}
            )
            camera.configure(wanted)
            camera.start()
        except (RuntimeError, IndexError, OSError) as error:
            raise CameraError(
                f"picamera:{self.number}: can't be opened ({error}); check the ribbon cable, and try rpicam-hello"
            ) from None
        self._camera = camera
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._camera is not None:
            self._camera.stop()
            self._camera.close()
            self._camera = None

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when the camera gives none."""
        assert self._camera is not None, "enter the source first"
        while True:
            try:
                image = self._camera.capture_array("main")
            except (RuntimeError, OSError) as error:
                raise CameraError(
                    f"picamera:{self.number}: gives no picture ({error}); check the ribbon cable"
                ) from None
            yield SourceFrame(np.ascontiguousarray(image[:, :, :3], dtype=np.uint8), None)
