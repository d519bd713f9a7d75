"""Packs side by side over all pairs of held-out pictures: a hundred times as many pairs as the 600 of LFW's list.

`python -m tools.accuracy.all_pairs --models DIR [--models DIR ...] --degrade clean --degrade cctv:4` prints true accept
rates at FMR 1e-2, 1e-3 and 1e-4. Each pack finds and aligns the faces with its own detector.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.detect import build_detector
from edge.evaluate.pairs import Picture, degraded, main_crop, read_pairs
from edge.recognise import build_embedder
from edge.sessions import Pack
from tools.data import DATA

LFW = DATA / "faces" / "lfw"
FMRS = (1e-2, 1e-3, 1e-4)


def rates(vectors: NDArray[np.float32], owners: NDArray[np.intp]) -> list[float]:
    """True accept rates at `FMRS` over all pairs of (N, D) unit vectors of `owners` (N,)."""
    upper = np.triu_indices(len(vectors), 1)
    similarity = (vectors @ vectors.T)[upper]
    same = owners[upper[0]] == owners[upper[1]]
    strangers = np.sort(similarity[~same])[::-1]
    return [float((similarity[same] > strangers[int(fmr * len(strangers))]).mean()) for fmr in FMRS]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="true accept rates of packs over all pairs of held-out pictures")
    parser.add_argument("--models", type=Path, action="append", required=True)
    parser.add_argument("--degrade", action="append", required=True, metavar="NAME:LEVEL")
    args = parser.parse_args()
    chosen: set[Picture] = {one for pair in read_pairs(LFW / "pairs_dev.txt") for one in (pair.first, pair.second)}
    pictures = sorted(chosen, key=lambda picture: (picture.person, picture.number))
    owners = np.unique([picture.person for picture in pictures], return_inverse=True)[1]
    images = [read_image(LFW / "images" / p.person / f"{p.person}_{p.number:04d}.jpg") for p in pictures]
    packs = [Config(models_dir=folder) for folder in args.models]
    nets = [
        (
            build_detector(config.detect, Pack.open(config.models_dir), config.runtime),
            build_embedder(config.recognise, Pack.open(config.models_dir), config.runtime),
        )
        for config in packs
    ]
    for fault in args.degrade:
        worse = [degraded(image, fault, picture, 0) for image, picture in zip(images, pictures, strict=True)]
        for folder, (detector, embedder) in zip(args.models, nets, strict=True):
            crops = [main_crop(image, detector, picture) for image, picture in zip(worse, pictures, strict=True)]
            found = rates(embedder.embed([crop for crop, *_ in crops]), owners)
            missed = sum(not is_found for *_, is_found in crops)
            told = " / ".join(f"{rate:.3f}" for rate in found)
            print(f"{fault:14s} {folder}: {told}, {missed} without a face", flush=True)


if __name__ == "__main__":
    main()
