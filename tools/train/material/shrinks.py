"""The ways in which pictures are made smaller: what an enlarger meets was shrunk by some camera or program.

`kinds` are those a picture net is trained on and measured with. Each keeps the places of the pixels, so an enlarged
answer lies on the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from tools.train.material import pictures
from tools.train.material.pictures import Planes

Shrink = Callable[[Planes], Planes]
"""(1, H, W) f32 0..255, sides even -> (1, H / 2, W / 2); not rounded."""

BLUR_SIGMA = (0.3, 1.0)
JPEG_QUALITY = (70, 98)
CHANCE_BLUR, CHANCE_JPEG = 0.15, 0.1


def _opencv(method: int) -> Shrink:
    def shrink(planes: Planes) -> Planes:
        size = (planes.shape[2] // 2, planes.shape[1] // 2)
        return np.asarray(cv2.resize(planes[0], size, interpolation=method)[None], np.float32)

    return shrink


KINDS: Mapping[str, Shrink] = {
    "antialiased": lambda planes: pictures.smaller(planes, 2),
    "area": _opencv(cv2.INTER_AREA),
    "cubic": _opencv(cv2.INTER_CUBIC),
    "linear": _opencv(cv2.INTER_LINEAR),
    "lanczos": _opencv(cv2.INTER_LANCZOS4),
}
"""`antialiased` is MATLAB's imresize; `cubic`, `linear` and `lanczos` are OpenCV's, which average nothing. Linear at
half the size is the mean of four pixels, as is `area`.
"""
SHARES = {"antialiased": 0.3, "area": 0.2, "cubic": 0.25, "linear": 0.05, "lanczos": 0.2}


def blurred(planes: Planes, sigma: float) -> Planes:
    """Softened by a Gaussian of so many px."""
    return np.asarray(cv2.GaussianBlur(planes[0], (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)[None], np.float32)


def coded(planes: Planes, quality: int) -> Planes:
    """Through JPEG, gray; rounded."""
    _, data = cv2.imencode(".jpg", pictures.bytes_of(planes)[0].astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.float32)[None]


def half(truth: Planes, rng: np.random.Generator) -> Planes:
    """Half as large in one of `KINDS` by chance, sometimes softened before or coded after; of 8 bits."""
    kind = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    if rng.random() < CHANCE_BLUR:
        truth = blurred(truth, rng.uniform(*BLUR_SIGMA))
    small = pictures.bytes_of(KINDS[kind](truth))
    return coded(small, int(rng.integers(*JPEG_QUALITY))) if rng.random() < CHANCE_JPEG else small
