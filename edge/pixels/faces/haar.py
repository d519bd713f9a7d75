"""OpenCV's frontal face cascade (Viola and Jones 2001): runs it; the caller interprets its squares."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr
from edge.errors import ModelError

CASCADE_NAME = "haarcascade_frontalface_default.xml"


def cascade_path() -> Path:
    """File of the cascade in the installed OpenCV; raises ModelError where it carries none (OpenCV 5)."""
    folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
    path = Path(folder) / CASCADE_NAME
    if not (folder and path.is_file() and hasattr(cv2, "CascadeClassifier")):
        raise ModelError(f"OpenCV {cv2.__version__} carries no {CASCADE_NAME}; install opencv-python-headless 4.x")
    return path


class HaarCascade:
    """The loaded cascade. For one thread: OpenCV's object keeps scratch memory between calls."""

    def __init__(self) -> None:
        self._cascade = cv2.CascadeClassifier(str(cascade_path()))

    def find(self, image: BgrImage, min_side_px: int = 20) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Squares (N, 4) float32 xyxy px and the last stage's raw weights (N,) float32 of the faces in a BGR image."""
        require_bgr(image)
        gray = cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
        squares, _, weights = self._cascade.detectMultiScale3(
            gray, scaleFactor=1.1, minNeighbors=3, minSize=(min_side_px, min_side_px), outputRejectLevels=True
        )
        if len(squares) == 0:
            return np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
        xywh = np.asarray(squares, np.float32).reshape(-1, 4)
        return np.hstack([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]]), np.asarray(weights, np.float32).reshape(-1)
