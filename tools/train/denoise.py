"""Train the denoiser of luma: sensor noise of `edge.pixels.degrade`, on faces and scenes, bright and dark.

`python -m tools.train.denoise --minutes M --out DIR [--steps N] [--resume] [--smoke] [--threads T]`
"""

from __future__ import annotations

import numpy as np

from edge.pixels import degrade
from tools.train import common
from tools.train.material import pictures, views
from tools.train.nets.picture_nets import Shuffled
from tools.train.nets.picture_training import PictureModel
from tools.train.ship import picture_net

SIZE_PX = 96


def make(stock: pictures.CleanPictures, rng: np.random.Generator) -> tuple[pictures.Planes, pictures.Planes]:
    """A patch, sometimes darker, with noise up to level 5; one time in seven JPEG-coded after it."""
    clean = pictures.patch(stock, SIZE_PX, rng, 0.6)
    if rng.random() < 0.35:
        clean = views.tinted(clean, rng)
    if rng.random() < 0.25:
        clean = np.asarray(clean * float(rng.uniform(0.15, 0.8)) + 0.5).astype(np.uint8)
    level = float(rng.uniform(0.0, 5.0)) if rng.random() < 0.6 else float(rng.uniform(2.0, 4.0))
    noisy = degrade.apply(clean, "noise", level, rng_or_seed=rng)
    if rng.random() < 0.14:
        noisy = degrade.apply(noisy, "jpeg", float(rng.uniform(0.2, 2.0)), rng_or_seed=rng)
    return pictures.luma(noisy), pictures.luma(clean)


MODEL = PictureModel("denoise_luma", "denoise", "denoise", lambda: Shuffled(1, 48, 5), make, "Y", multiple=2, margin=14)


def main() -> None:
    """Command line."""
    parser = common.arguments("train the denoiser")
    parser.set_defaults(batch_size=32, learning_rate=1e-3, workers=0)
    picture_net.run(MODEL, parser.parse_args())


if __name__ == "__main__":
    main()
