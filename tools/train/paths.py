"""Where training finds its data and leaves its work."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.data import DATA, ROOT

BUILD = ROOT / "build" / "train"
CACHE = BUILD / "cache"
MODELS = ROOT / "models" / "quantized"

LFW = DATA / "faces" / "lfw"
UTK = DATA / "faces" / "utk" / "train"
WEIGHTS = DATA / "weights"
YUNET = WEIGHTS / "face_detection_yunet_2023mar.onnx"
YUNET_DYNAMIC = WEIGHTS / "yunet_n_dynamic.onnx"
MOBILEFACENET = WEIGHTS / "mobilefacenet_foamliu.onnx"
DEGRADED_TEACHER = WEIGHTS / "mobilefacenet_degraded_teacher.onnx"


def lfw_pictures(people: Path) -> list[Path]:
    """Every picture of the people named in a list (one name a line), sorted; empty where the data is absent."""
    if not people.is_file():
        return []
    names = [line.split("\t")[0].strip() for line in people.read_text().splitlines()]
    folders = (LFW / "images" / name for name in sorted(set(names)) if name)
    return [picture for folder in folders if folder.is_dir() for picture in sorted(folder.glob("*.jpg"))]


def scene_pictures() -> list[Path]:
    """The face-poor training scenes (t91 and BSDS500 train); never set5 or set14."""
    folders = (DATA / "scenes" / "t91", DATA / "scenes" / "bsds500_train")
    return [p for folder in folders for p in sorted(folder.glob("*")) if p.suffix.lower() in {".jpg", ".png", ".bmp"}]


def read_picture(path: Path) -> NDArray[np.uint8] | None:
    """(H, W, 3) u8 BGR, or None where the file is no readable picture."""
    image = cv2.imread(str(path))
    return None if image is None else np.asarray(image, np.uint8)
