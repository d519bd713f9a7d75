"""Train the enlargers: `compact` and `srcnn` double luma, `faces` makes four times larger, inventing detail.

`python -m tools.train.sr compact|srcnn|faces --minutes M --out DIR [--steps N] [--resume] [--smoke] [--threads T]`
For `compact` and `srcnn` pictures are made smaller in the ways of `material.shrinks`; for `faces` by bicubic with
antialiasing. All are rounded to 8 bits. `faces` is SRGAN (Ledig et al. 2017): SRResNet, first on pixels, then with a
critic and features of our face embedder.
"""

from __future__ import annotations

import numpy as np

from tools.train import common
from tools.train.material import pictures, shrinks
from tools.train.nets import picture_loss
from tools.train.nets.picture_nets import Shuffled, Srcnn, SrResNet
from tools.train.nets.picture_training import PictureModel
from tools.train.ship import picture_net

FACE_PX = 128
FACES = 0.3
"""Share of faces among the patches of `compact` and `srcnn`."""


def _detail(planes: pictures.Planes) -> float:
    """Mean step between neighbours: of two patches the busier one teaches more."""
    return float(np.abs(np.diff(planes, axis=2)).mean())


def _double(size: int) -> pictures.Make:
    def make(stock: pictures.CleanPictures, rng: np.random.Generator) -> tuple[pictures.Planes, pictures.Planes]:
        truth = max((pictures.luma(pictures.patch(stock, size, rng, FACES)) for _ in range(2)), key=_detail)
        return shrinks.half(truth, rng), truth

    return make


def quadruple(stock: pictures.CleanPictures, rng: np.random.Generator) -> tuple[pictures.Planes, pictures.Planes]:
    """A face of the training people, 32 px from 128."""
    truth = pictures.colors(pictures.face(stock, FACE_PX, rng))
    return pictures.bytes_of(pictures.smaller(truth, 4)), truth


MODELS = {
    "compact": PictureModel(
        "sr2_compact", "sr2", "sr compact", lambda: Shuffled(2, 64, 4), _double(64), "Y", 2, multiple=2, margin=12
    ),
    "srcnn": PictureModel(
        "sr2_srcnn", "sr2", "sr srcnn", Srcnn, _double(48), "Y", 2, multiple=2, margin=6, default=False
    ),
    "faces": PictureModel(
        "sr4_face", "sr4", "sr faces", SrResNet, quadruple, "BGR", 4,
        margin=8, generative=True, critic=picture_loss.LossWeights(features=0.05, critic=0.002),
    ),
}  # fmt: skip


def main() -> None:
    """Command line."""
    parser = common.arguments("train an enlarger")
    parser.add_argument("kind", choices=sorted(MODELS))
    parser.set_defaults(batch_size=16, learning_rate=1e-3, workers=0)
    args = parser.parse_args()
    picture_net.run(MODELS[args.kind], args)


if __name__ == "__main__":
    main()
