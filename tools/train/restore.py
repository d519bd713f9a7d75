"""Train the restorer of CCTV faces after Pix2Pix (Isola et al. 2017): U-Net, PatchGAN that sees the input, L1.

`python -m tools.train.restore --minutes M --out DIR [--steps N] [--resume] [--smoke] [--threads T]`
What comes out is a likely face, not the one that was there: the manifest says `generative`.
"""

from __future__ import annotations

import numpy as np

from edge.pixels import degrade
from tools.train import common
from tools.train.material import pictures, views
from tools.train.material.canvases import CANVAS_PX, middle
from tools.train.nets import picture_loss
from tools.train.nets.picture_nets import UNet
from tools.train.nets.picture_training import PictureModel
from tools.train.ship import picture_net

FAULTS = ("cctv", "jpeg", "lowres", "noise")
"""What it may be asked to repair, and how often each is shown: the last three without CCTV's darkness."""
SHARES = (0.65, 0.2, 0.1, 0.05)


def make(stock: pictures.CleanPictures, rng: np.random.Generator) -> tuple[pictures.Planes, pictures.Planes]:
    """A face as a bad CCTV camera sees it, level 1 to 5; one in three only coded, small or noisy."""
    clean = pictures.face(stock, CANVAS_PX, rng)
    if rng.random() < 0.2:
        clean = views.tinted(clean, rng)
    face_px = float(rng.uniform(80, 115))
    fault = FAULTS[int(rng.choice(len(FAULTS), p=SHARES))]
    worse = degrade.apply(clean, fault, float(rng.uniform(1.0, 5.0)), rng_or_seed=rng, face_px=face_px)
    return pictures.colors(middle(worse)), pictures.colors(middle(clean))


MODEL = PictureModel(
    "restore_unet",
    "restore",
    "restore",
    UNet,
    make,
    "BGR",
    multiple=16,
    margin=48,
    generative=True,
    critic=picture_loss.LossWeights(features=0.05, critic=0.002, identity=0.05, conditional=True),
)


def main() -> None:
    """Command line."""
    parser = common.arguments("train the restorer")
    parser.set_defaults(batch_size=4, learning_rate=6e-4, workers=0)
    picture_net.run(MODEL, parser.parse_args())


if __name__ == "__main__":
    main()
