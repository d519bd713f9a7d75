"""Makes the frames of a clip worse on purpose, as `edge process --degrade cctv:3` asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edge.arrays import BgrImage
from edge.detect import Detector
from edge.pixels import degrade


@dataclass(frozen=True, slots=True)
class Degradation:
    """A named degradation of whole frames, scaled to the face in them."""

    text: str
    name: str
    level: int

    @classmethod
    def parse(cls, text: str) -> Degradation:
        """Read `cctv:3`; raises ImageError naming the valid ones."""
        name, level = degrade.parse(text)
        return cls(text, name, level)


class Degrader:
    """Degrades the frames of one clip, scaled to the largest face of the clean frame; before the first face, 110 px."""

    def __init__(self, degradation: Degradation, detector: Detector) -> None:
        self._degradation = degradation
        self._detector = detector
        self._face_px = 110.0

    def apply(self, image: BgrImage, frame_id: int) -> BgrImage:
        """Return a degraded copy; the seed is the frame's number."""
        found = self._detector.detect(image)
        if len(found):
            self._face_px = float(np.max(found.boxes[:, 2] - found.boxes[:, 0]))
        return degrade.apply(
            image, self._degradation.name, self._degradation.level, rng_or_seed=frame_id, face_px=self._face_px
        )
