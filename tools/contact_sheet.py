"""Writes docs/images/enhancement.jpg from the demo clip alone: `python -m tools.contact_sheet FILE`.

A row per fault: the face as captured, after the steps its faults called for, and without the fault.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from edge.app.build import load_models
from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.config import Config
from edge.enhance.scoring import as_captured, cut
from edge.pixels import degrade
from edge.pixels.encode import to_jpeg
from edge.pixels.faces.geometry import align
from edge.pixels.measures.quality import measure
from edge.pixels.resize import resize

FRAME = 70
FAULTS = ("dark:4", "motion:3", "blur:5", "cctv:5", "noise:4")
SIDE_PX = 160
FACE_PX = 90.0


def main() -> None:
    """Write the sheet and print the steps of each row."""
    parser = argparse.ArgumentParser(prog="python -m tools.contact_sheet", description=__doc__)
    parser.add_argument("file", type=Path, help="the JPEG to write")
    given = parser.parse_args()
    models = load_models(Config())
    clean = next(demo_clip.frames(fault="jpeg:1", only=[FRAME]))
    found = models.stages.detector.detect(clean)
    box, points = found.boxes[0], found.landmarks[0]
    rows = []
    for fault in FAULTS:
        frame = degrade.apply(clean, *degrade.parse(fault), rng_or_seed=1, face_px=FACE_PX)
        part, corner = cut(frame, box)
        quality = as_captured(measure(align(frame, points), points, box), part, corner)
        done, recipe = models.stages.enhancer.apply(part, models.stages.enhancer.plan(quality))
        rows.append(np.hstack([_tile(part), _tile(done), _tile(cut(clean, box)[0])]))
        print(fault, [step.name for step in recipe.steps])
    given.file.write_bytes(to_jpeg(np.vstack(rows), 90))


def _tile(image: BgrImage) -> BgrImage:
    """Cut square about the middle, in the sheet's size."""
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    return resize(np.ascontiguousarray(image[top : top + side, left : left + side]), SIDE_PX, SIDE_PX)


if __name__ == "__main__":
    main()
