"""How many boxes a portrait gets, from a face of 110 px to one that fills the picture: it should be one.

`python -m tools.accuracy.close_ups [--every 10]` looks at every tenth of LFW's development people (their first picture,
enlarged 1, 2 and 3 times about its middle, where the face is) and of the upright faces of UTKFace. Of LFW's pictures
only boxes count whose middle lies in the middle half: people in the background have boxes of their own. Of UTKFace's,
which are cut tightly, all count. Needs the public data.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from edge.app.evaluation.accuracy import read_people
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import PACKAGED_MODELS, DetectConfig, RuntimeConfig
from edge.detect import Detector, build_detector
from edge.pixels.resize import resize
from edge.sessions import Pack
from tools.data import DATA

LFW, UTK = DATA / "faces" / "lfw", DATA / "faces" / "utk" / "dev"
LARGEST_PX = 500
"""Side of an enlarged picture; more is cut off around the face, so that it fills two thirds of a picture enlarged
three times."""
TIMES = (1, 2, 3)


def enlarged(image: BgrImage, times: int, largest_px: int = LARGEST_PX) -> BgrImage:
    """(H, W, 3) uint8 made `times` as large, and cut about its middle to at most `largest_px` a side."""
    height, width = (size * times for size in image.shape[:2])
    whole = resize(image, height, width) if times > 1 else image
    top, left = (max(0, (size - largest_px) // 2) for size in (height, width))
    return np.ascontiguousarray(whole[top : top + largest_px, left : left + largest_px])


def num_boxes(detector: Detector, image: BgrImage, *, in_the_middle: bool) -> int:
    """Boxes in a picture, or those whose middle lies in its middle half."""
    boxes = detector.detect(image).boxes
    if not in_the_middle:
        return len(boxes)
    size = np.array([image.shape[1], image.shape[0]], np.float32)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 / size
    return int((np.abs(middles - 0.5) <= 0.25).all(axis=1).sum())


def counts(detector: Detector, images: Iterable[BgrImage], *, in_the_middle: bool) -> Counter[int]:
    """How many pictures have so many boxes."""
    return Counter(num_boxes(detector, image, in_the_middle=in_the_middle) for image in images)


def _shown(paths: list[Path], times: int) -> Iterator[BgrImage]:
    return (enlarged(read_image(path), times) for path in paths)


def main() -> None:
    """Print a row for each kind of picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=10)
    given = parser.parse_args()
    if not UTK.is_dir() or not LFW.is_dir():
        sys.exit(f"the public data are not in {DATA}; set EDGE_TEST_DATA")
    people = read_people(LFW / "people_dev.txt")[:: given.every]
    portraits = [LFW / "images" / name / f"{name}_0001.jpg" for name in people]
    upright = sorted(UTK.glob("*.jpg"))[:: given.every]
    detector = build_detector(DetectConfig(), Pack.open(PACKAGED_MODELS), RuntimeConfig(threads=1))
    print("| pictures | enlarged | one box | none | several |\n|---|---|---|---|---|")
    for name, paths in (("LFW, development people", portraits), ("UTKFace, development faces", upright)):
        for times in TIMES:
            found = counts(detector, _shown(paths, times), in_the_middle=paths is portraits)
            several = sum(number for boxes, number in found.items() if boxes > 1)
            print(f"| {name} | {times} x | {found[1]} of {len(paths)} | {found[0]} | {several} |", flush=True)


if __name__ == "__main__":
    main()
