"""Heads that lean: pairs of LFW's development people, each picture turned to the left or right by so many degrees.

`python -m tools.accuracy.leaning [--degrees 20 35 50]` prints a row for each: accuracy and true accept rate at FMR 1e-2
of our chain and of YuNet with MobileFaceNet, and in how many pictures each finds no face. What the turn brings into the
picture repeats its border. Needs the public data.
"""

from __future__ import annotations

import argparse
import sys
import zlib

import cv2
import numpy as np

from edge.app.build import load_models
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import Config, DetectConfig, RuntimeConfig
from edge.detect import Detector, build_detector
from edge.evaluate.measures import PairScores, score_pairs
from edge.evaluate.pairs import Pair, Picture, find_picture, main_crop, read_pairs, split_folds
from edge.recognise import Embedder, open_peer_embedder
from tools.data import DATA

IMAGES, PAIRS = DATA / "faces" / "lfw" / "images", DATA / "faces" / "lfw" / "pairs_dev.txt"
WEIGHTS = DATA / "weights"
RUNTIME = RuntimeConfig(threads=1)


def leaning(image: BgrImage, picture: Picture, degrees: float) -> BgrImage:
    """The picture turned about its middle, to the side that its name decides; (H, W, 3) uint8 as `image`."""
    height, width = image.shape[:2]
    sign = 1 if zlib.crc32(f"{picture.person}{picture.number}".encode()) & 1 else -1
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), sign * degrees, 1)
    size, how = (width, height), {"flags": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REPLICATE}
    return np.asarray(cv2.warpAffine(image, matrix, size, **how), np.uint8)  # type: ignore[call-overload]


def measure(pairs: tuple[Pair, ...], detector: Detector, embedder: Embedder, degrees: float) -> tuple[PairScores, int]:
    """What a chain makes of all pairs, and the number of pictures in which it finds no face."""
    pictures = sorted({p for pair in pairs for p in (pair.first, pair.second)}, key=lambda p: (p.person, p.number))
    index, crops, missed = {picture: row for row, picture in enumerate(pictures)}, [], 0
    for picture in pictures:
        image = leaning(read_image(find_picture(IMAGES, picture)), picture, degrees)
        crop, _, _, is_found = main_crop(image, detector, picture)
        crops.append(crop)
        missed += not is_found
    vectors = embedder.embed(crops).astype(np.float64)
    first, second = ([index[getattr(pair, side)] for pair in pairs] for side in ("first", "second"))
    likeness = np.einsum("nd,nd->n", vectors[first], vectors[second])
    return score_pairs(likeness, np.array([pair.same for pair in pairs]), split_folds(pairs)), missed


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--degrees", type=float, nargs="+", default=[0.0, 20.0, 35.0, 50.0])
    given = parser.parse_args()
    peer_file = WEIGHTS / "yunet_n_dynamic.onnx"
    if not peer_file.is_file() or not PAIRS.is_file():
        sys.exit(f"the public data are not in {DATA}; set EDGE_TEST_DATA")
    models = load_models(Config(runtime=RUNTIME))
    peer = build_detector(DetectConfig(model=str(peer_file)), None, RUNTIME, is_refined=False)
    chains = (
        (models.stages.detector, models.stages.embedder),
        (peer, open_peer_embedder(WEIGHTS / "mobilefacenet_foamliu.onnx", RUNTIME)),
    )
    pairs = read_pairs(PAIRS)
    print("| degrees | ours: accuracy / TAR | YuNet + MobileFaceNet | pictures without a face, ours / YuNet |")
    print("|---|---|---|---|")
    for degrees in given.degrees:
        (ours, no_face), (public, no_peer_face) = (measure(pairs, *chain, degrees) for chain in chains)
        rates = [f"{one.accuracy:.3f} / {one.tar_at_fmr_1e2:.3f}" for one in (ours, public)]
        print(f"| {degrees:g} | {rates[0]} | {rates[1]} | {no_face} / {no_peer_face} |", flush=True)


if __name__ == "__main__":
    main()
