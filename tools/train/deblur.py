"""Train the deblurrer after DeblurGAN-v2 (Kupyn et al. 2019): straight motion blur on faces and scenes, some noisy.

`python -m tools.train.deblur --minutes M --out DIR [--steps N] [--resume] [--smoke] [--threads T]`
Two thirds of the time on pixels, the rest on features, whom the face looks like, and against a critic, whose weight
is small: the figures that count are of likeness.
"""

from __future__ import annotations

import numpy as np

from edge.pixels import degrade
from tools.train import common
from tools.train.material import pictures, views
from tools.train.material.canvases import CANVAS_PX, middle
from tools.train.nets import picture_loss
from tools.train.nets.picture_nets import Pyramid
from tools.train.nets.picture_training import PictureModel
from tools.train.ship import picture_net

OTHERS = ("blur", "lowres", "cctv")
"""Faults that look like motion blur where it is measured: what sharpens one must not spoil the others."""


def make(stock: pictures.CleanPictures, rng: np.random.Generator) -> tuple[pictures.Planes, pictures.Planes]:
    """A face (four of five) or a scene: half of them moved over 3 to 21 px, the others out of focus, small or CCTV's.

    One in ten is also noisy or JPEG-coded.
    """
    clean = pictures.patch(stock, CANVAS_PX, rng, 0.8)
    if rng.random() < 0.2:
        clean = views.tinted(clean, rng)
    fault = "motion" if rng.random() < 0.55 else OTHERS[int(rng.choice(len(OTHERS), p=(0.35, 0.4, 0.25)))]
    face_px = float(rng.uniform(80, 115))
    worse = degrade.apply(clean, fault, float(rng.uniform(0.6, 4.7)), rng_or_seed=rng, face_px=face_px)
    if rng.random() < 0.1:
        worse = degrade.apply(worse, "noise", float(rng.uniform(0.0, 0.5)), rng_or_seed=rng)
        worse = degrade.apply(worse, "jpeg", float(rng.uniform(0.0, 1.0)), rng_or_seed=rng)
    return pictures.colors(middle(worse)), pictures.colors(middle(clean))


MODEL = PictureModel(
    "deblur_pyramid",
    "deblur",
    "deblur",
    Pyramid,
    make,
    "BGR",
    multiple=16,
    margin=48,
    critic=picture_loss.LossWeights(features=0.02, critic=0.0005, identity=0.4),
)


def main() -> None:
    """Command line."""
    parser = common.arguments("train the deblurrer")
    parser.set_defaults(batch_size=4, learning_rate=6e-4, workers=0)
    picture_net.run(MODEL, parser.parse_args())


if __name__ == "__main__":
    main()
