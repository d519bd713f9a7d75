"""Whether searching only what changed, at full resolution, finds more than searching the whole frame; what it costs.

`python -m tools.cost.regions` renders people who stand in a picture of 1920 x 1080 px, from near to far away, and
searches each frame in three ways: whole, shrunk to 640 px; the region around what changed against the empty picture
(`edge.pipeline.regions`); and in 2 x 2 tiles (`detect.tiles`). Then it plays recordings, as they are and as seen from
two or three times as far away (a part of a picture of 1280 x 720 px), with every frame searched whole, and at the live
pace. Needs the public data.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from edge.app.build import load_models
from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage, Boxes
from edge.capture.sources import open_path
from edge.config import Config, DetectConfig, RuntimeConfig
from edge.detect import FaceDetector
from edge.pipeline import ActiveList, DeviceFacts, Pipeline, TrackEnd
from edge.pipeline.pace import Pace
from edge.pipeline.regions import detect_in, region_of
from edge.pixels import compose
from edge.pixels.faces.boxes import iou
from edge.pixels.resize import resize
from edge.pixels.scene.change import changed, difference, small_gray
from edge.records import Frame
from tools.cost import scene
from tools.data import DATA

WIDTH, HEIGHT = 1920, 1080
FACES_PX = (12, 16, 20, 24, 32, 48, 96)
"""Width of the face."""
PLACES = 8
FAR_HEIGHT = 288
RECORDINGS = (
    "cctv1.mp4",
    "one-by-one-person-detection.mp4",
    "face-demographics-walking.gif",
    "classroom.gif",
    "head-pose-face-detection-male.gif",
)
AT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FOUND_IOU = 0.3
MIN_SCORE, MAX_SIDE_PX = Config().detect.min_score, Config().detect.max_side_px

Search = Callable[[BgrImage, BgrImage], Boxes]
"""A frame and the empty picture -> (N, 4) xyxy px."""


def ways() -> dict[str, Search]:
    """The three."""
    whole, tiled = (_detector(tiles) for tiles in (1, 2))

    def in_region(frame: BgrImage, empty: BgrImage) -> Boxes:
        apart = difference(small_gray(frame), small_gray(empty))
        found = changed(apart, np.zeros_like(apart))
        region = region_of(found, (), frame.shape, MAX_SIDE_PX) if found.any() else None
        if region is None:
            return whole.detect(frame).boxes
        return detect_in(whole, frame, region, MIN_SCORE, np.zeros((0, 4), np.float32)).boxes

    return {
        "whole": lambda frame, _: whole.detect(frame).boxes,
        "region": in_region,
        "2 x 2 tiles": lambda frame, _: tiled.detect(frame).boxes,
    }


def _detector(tiles: int) -> FaceDetector:
    config = Config(runtime=RuntimeConfig(threads=1), detect=DetectConfig(tiles=tiles))
    found = load_models(config).stages.detector
    assert isinstance(found, FaceDetector)
    return found.first_look()


def frames(face_px: int, empty: BgrImage, finder: FaceDetector) -> Iterator[tuple[BgrImage, Boxes]]:
    """Each of four people at some places, and where their face is, (1, 4)."""
    mask = compose.soft_ellipses((250, 250), scene.HEAD, 5.0)
    rng = np.random.default_rng(face_px)
    for person in scene.people(DATA):
        own = finder.detect(person).boxes[:1]
        scale = face_px / float(own[0, 2] - own[0, 0])
        for _ in range(PLACES):
            corner = rng.uniform((0, 0), (WIDTH - 250 * scale, HEIGHT - 250 * scale))
            image = compose.paste(empty, person, mask, scale=scale, corner=(float(corner[0]), float(corner[1])))
            yield noisy(image, rng), np.asarray(own * scale + np.tile(corner, 2), np.float32)


def noisy(image: BgrImage, rng: np.random.Generator) -> BgrImage:
    """What a sensor adds."""
    noise = rng.normal(0, scene.NOISE, image.shape).astype(np.int16)
    return np.asarray(cv2.add(image, noise, dtype=cv2.CV_8U), np.uint8)


def seen_from_afar(image: BgrImage) -> BgrImage:
    """A frame shrunk into a part of a still picture of 1280 x 720 px."""
    shown = resize(image, FAR_HEIGHT, round(image.shape[1] * FAR_HEIGHT / image.shape[0]))
    far = resize(demo_clip.scene(), scene.HEIGHT, scene.WIDTH).copy()
    far[200 : 200 + shown.shape[0], 100 : 100 + shown.shape[1]] = shown
    return far


def play(images: Sequence[BgrImage], fps: float, pace: Pace) -> str:
    """Tracks with shots, frames that show a face, CPU ms a frame."""
    config = Config(runtime=RuntimeConfig(threads=1))
    facts = DeviceFacts("box", "test", {}, None, lambda _: {})
    pipeline = Pipeline(config, load_models(config).stages, ActiveList.of([], [], 1, "d"), facts, pace)
    ended: list[TrackEnd] = []
    shown, began = 0, time.process_time()
    for number, image in enumerate(images):
        result = pipeline.process(Frame(number, "far", AT, round(number / fps * 1e9), image))
        shown += bool(result.faces)
        ended += result.ended
    ms = (time.process_time() - began) / len(images) * 1e3
    ended += pipeline.finish("far")
    return f"{sum(end.num_shots > 0 for end in ended)}, {shown}, {ms:.1f}"


def compare_recordings() -> None:
    """Print a table of recordings."""
    live = Pace.of(Config().detect)
    print("\n| recording | every frame, whole: tracks, frames with a face, ms | at the live pace |")
    for name in RECORDINGS:
        with open_path(DATA / "video" / name) as source:
            shots = list(source.frames())
        fps = (len(shots) - 1) / ((shots[-1].media_s or 0.0) - (shots[0].media_s or 0.0))
        for kind, change in (("as it is", lambda image: image), ("from afar", seen_from_afar)):
            images = [change(shot.image) for shot in shots]
            cells = [play(images, fps, pace) for pace in (Pace(), live)]
            print(f"| `{name}` {kind} ({len(images)} frames) | " + " | ".join(cells) + " |")


def main() -> None:
    """Measure and print two tables."""
    argparse.ArgumentParser(
        prog="python -m tools.cost.regions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    if not (DATA / "faces" / "lfw").is_dir():
        print(f"left out: no faces in {DATA}; set EDGE_TEST_DATA", file=sys.stderr)
        return
    place = resize(demo_clip.scene(), HEIGHT, WIDTH)
    searches, finder = ways(), _detector(1)
    print("| width of the face | " + " | ".join(f"{way}: found, other places, ms" for way in searches) + " |")
    for face_px in FACES_PX:
        cells = []
        shown = list(frames(face_px, place, finder))
        before = noisy(place, np.random.default_rng(0))
        for search in searches.values():
            hits = others = 0
            began = time.process_time()
            found = [search(image, before) for image, _ in shown]
            ms = (time.process_time() - began) / len(shown) * 1e3
            for boxes, (_, face) in zip(found, shown, strict=True):
                near = iou(face, boxes)[0] >= FOUND_IOU if len(boxes) else np.zeros(0, np.bool_)
                hits += bool(near.any())
                others += int((~near).sum())
            cells.append(f"{hits} of {len(shown)}, {others}, {ms:.1f}")
        print(f"| {face_px} px | " + " | ".join(cells) + " |")
    compare_recordings()


if __name__ == "__main__":
    main()
