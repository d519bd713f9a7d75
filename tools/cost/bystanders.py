"""What the search of a kept frame for bystanders costs, without and with what the search for faces found in it.

`python -m tools.cost.bystanders PICTURE...` prints the processor time of each as a multiple of one detection.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from edge.app.build import load_models
from edge.app.evaluation.timing import time_ms
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.pipeline.bystanders import Bystanders, find_bystanders
from edge.pixels.resize import resize

WIDTHS = (640, 960, 1920)


def main(paths: list[Path]) -> None:
    """Measure each picture at some widths."""
    detector = load_models(Config()).stages.detector
    for path in paths:
        picture = read_image(path)
        for width in WIDTHS:
            image = resize(picture, round(picture.shape[0] * width / picture.shape[1]), width)
            told = detector.detect(image, 0.5)
            left, top, right, bottom = map(float, told.boxes[0] if len(told) else (0, 0, 10, 10))
            own = (left, top, right, bottom)
            fresh = Bystanders(told.boxes[1:])
            known = replace(fresh, doubtful=np.asarray(told.doubtful), is_searched=True)
            one = cost(partial(detector.detect, image, 0.5))
            before = cost(partial(find_bystanders, image, own, fresh, detector)) / one
            now = cost(partial(find_bystanders, image, own, known, detector)) / one
            print(f"{path.name} {width} px: before {before:.2f}, now {now:.2f} detections")


def cost(call: Callable[[], object]) -> float:
    """Median processor time, ms."""
    return float(np.median(time_ms(call, rounds=7, clock=time.process_time)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.cost.bystanders", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="pictures")
    main(parser.parse_args().paths)
