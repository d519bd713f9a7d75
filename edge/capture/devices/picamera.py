"""Raspberry Pi cameras through picamera2, which only this module imports, and only when such a camera is opened.

Its `stop()` can hang for ever, and so can waiting for a picture. The parent then kills this process.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.frames import SourceFrame
from edge.errors import CameraError

# What picamera2 calls RGB888 lies in memory as blue, green, red: our order. A camera that can't give it gives another.
_TO_BGR = {
    "RGB888": None,
    "BGR888": cv2.COLOR_RGB2BGR,
    "XRGB8888": cv2.COLOR_BGRA2BGR,
    "XBGR8888": cv2.COLOR_RGBA2BGR,
    "NV12": cv2.COLOR_YUV2BGR_NV12,
    "YUV420": cv2.COLOR_YUV2BGR_I420,
    "YUYV": cv2.COLOR_YUV2BGR_YUYV,
    "MJPEG": cv2.COLOR_RGB2BGR,
}


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
        self._format = "RGB888"

    def __enter__(self) -> PicameraSource:
        try:
            library = importlib.import_module("picamera2")
        except (ImportError, ValueError) as error:  # numpy's "binary incompatibility" is a ValueError
            raise CameraError(
                f"picamera:{self.number}: picamera2 can't be imported ({error}); install python3-picamera2, "
                "and make the virtual environment with --system-site-packages"
            ) from None
        try:
            self._open(library.Picamera2)
        except (RuntimeError, IndexError, OSError) as error:
            self._close()
            raise CameraError(f"picamera:{self.number}: {explain(error)}") from None
        except CameraError:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when the camera gives none."""
        assert self._camera is not None, "enter the source first"
        while True:
            try:
                picture = self._camera.capture_array("main")
            except (RuntimeError, OSError) as error:
                raise CameraError(
                    f"picamera:{self.number}: gives no picture ({error}); check the ribbon cable"
                ) from None
            yield SourceFrame(to_bgr(picture, self._format, self.width), None)

    def _open(self, picamera: Any) -> None:
        """Start the camera; its own choice of size and format holds where it can't give ours."""
        found = [str(camera.get("Model", camera["Id"])) for camera in picamera.global_camera_info()]
        if self.number >= len(found):
            raise CameraError(f"picamera:{self.number}: {explain_absence(self.number, found, Path('/dev'))}")
        self._camera = camera = picamera(self.number)
        wanted = camera.create_video_configuration(
            main={"size": (self.width, self.height), "format": "RGB888"}, controls={"FrameRate": self.fps}
        )
        camera.configure(wanted)
        given = camera.camera_configuration()["main"]
        self._format, self.width = given["format"], given["size"][0]
        if self._format not in _TO_BGR:
            raise CameraError(
                f"picamera:{self.number}: gives pictures as {self._format}, which is not known here; "
                "a USB camera is better read with source = 'v4l2:/dev/video0'"
            )
        camera.start()

    def _close(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            camera.close()


def to_bgr(picture: NDArray[np.uint8], pixel_format: str, width: int) -> NDArray[np.uint8]:
    """A picture as picamera2 gives it, as (H, `width`, 3) uint8 BGR; a copy but for the format that is BGR already."""
    code = _TO_BGR[pixel_format]
    image = picture if code is None else np.asarray(cv2.cvtColor(picture, code), np.uint8)
    return np.ascontiguousarray(image[:, :width, :3], dtype=np.uint8)


def explain(error: BaseException) -> str:
    """Why the camera can't be opened and what to do; picamera2 hides the reason in the error's cause."""
    reasons = [str(error)]
    while (error := error.__cause__ or error.__context__) is not None:  # type: ignore[assignment]
        reasons.append(str(error))
    text = ": ".join(reason for reason in reasons if reason)
    if "busy" in text.lower() or "acquire" in text.lower():
        return f"is used by another program ({text}); stop that program"
    return f"can't be opened ({text}); check the ribbon cable, and try rpicam-hello"


def explain_absence(number: int, found: list[str], dev: Path) -> str:
    """Why there is no camera with this number; a user who may not open a device isn't told of the camera behind it."""
    if found:
        listed = ", ".join(f"picamera:{index} is {name}" for index, name in enumerate(found))
        return f"no camera has the number {number}; {listed}"
    if any(not os.access(device, os.R_OK | os.W_OK) for device in dev.glob("media*")):
        return "this user may open no camera; sudo usermod -aG video USER, then log in again or restart the service"
    return "no camera is found; check the ribbon cable, and try rpicam-hello --list-cameras"
