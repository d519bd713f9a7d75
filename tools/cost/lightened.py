"""What the lightened view of a 720p frame costs on one core, as ratios against peers in the same run.

    python -m tools.cost.lightened [--rounds N] [--json]

Peers, each on the same dark frame: the JPEG encoder that every live picture passes through, and `lime.enhance_lowlight`
on the whole frame. CPU time of one thread, best and median of all rounds, in turns, so that a busy machine disturbs
them alike.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import cv2
import numpy as np

from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.pixels.encode import to_jpeg
from edge.pixels.light import lightened, lime

LIMIT_MS = 15.0
"""What a frame of 720p may cost."""


def dark_frame() -> BgrImage:
    """The demo's scene at 1280 x 720, at an eighth of its light, with a sensor's noise."""
    frame = cv2.resize(demo_clip.scene(), (1280, 720), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(7).normal(0, 3, frame.shape)
    return np.clip(frame / 8 + noise, 0, 255).astype(np.uint8)


def cpu_ms(call: Callable[[], object]) -> float:
    """CPU milliseconds of this thread for one call."""
    start = time.thread_time()
    call()
    return (time.thread_time() - start) * 1e3


def measure(rounds: int) -> dict[str, object]:
    """All figures, JSON-ready."""
    cv2.setNumThreads(1)
    frame = dark_frame()
    lit = lightened.lighten_frame(frame)
    calls: dict[str, Callable[[], object]] = {
        "lightened": lambda: lightened.lighten_frame(frame),
        "map": lambda: lightened.gain_map(frame, lightened.GAMMA),
        "jpeg": lambda: to_jpeg(lit, 80),
        "lime_fast": lambda: lime.enhance_lowlight(frame, solver="fast"),
    }
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(cpu_ms(call))
    best = {name: min(found) for name, found in times.items()}
    middle = {name: float(np.median(found)) for name, found in times.items()}
    return {
        "size": [frame.shape[1], frame.shape[0]],
        "rounds": rounds,
        "best_ms": {name: round(value, 2) for name, value in best.items()},
        "median_ms": {name: round(value, 2) for name, value in middle.items()},
        "times_jpeg": round(middle["lightened"] / middle["jpeg"], 2),
        "times_faster_than_lime": round(middle["lime_fast"] / middle["lightened"], 2),
        "limit_ms": LIMIT_MS,
        "is_within": middle["lightened"] <= LIMIT_MS,
    }


def main() -> None:
    """Print the figures; exit 1 where a frame costs more than it may."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options.rounds)
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        for name, value in found.items():
            sys.stdout.write(f"{name}: {value}\n")
    sys.exit(0 if found["is_within"] else 1)


if __name__ == "__main__":
    main()
