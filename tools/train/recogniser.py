"""Train the face embedder: it learns, block by block, what a public teacher makes of a face.

No labels are used, and no weight of the teacher's. First every block learns alone: it is given what the teacher's block
is given, and is to answer what the teacher's answers, at every place of every picture (block-wise distillation, Wang et
al. 2018). Then the blocks are joined and learn as one net: the vector of the degraded crop is to be the teacher's, half
the time for the clean crop at the same place, and for real faces that of the clean crop. More than half of each batch
are faces mixed, bent and composed of parts: on few real pictures alone a student learns those by heart.
`python -m tools.train.recogniser --lesson blocks|whole --steps N --out DIR [--resume] [--init FILE] [--smoke]
[--minutes M] [--threads T]`
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset

from tools.train import common, pack, paths
from tools.train.material import face_cache, mixtures, views
from tools.train.material.torch_teacher import TorchTeacher
from tools.train.nets import warm_start
from tools.train.nets.face_nets import Recogniser, settle

REAL_SHARE = 0.45
CLEAN_TEACHER_SHARE = 0.4
BLOCK_WEIGHT = 0.05

Kind = Literal["blocks", "whole"]
Teacher = Callable[[torch.Tensor], tuple[torch.Tensor, list[torch.Tensor]]]
"""(N, 3, 112, 112) f32 RGB 0..255 -> vectors of unit length and the map at the end of each block, as `TorchTeacher`."""


class FaceViews(Dataset[common.Batch]):
    """Item = the whole batch of a step.

    Crops (B, 112, 112, 3) u8 RGB as captured, the crops that the teacher sees (the same, or the clean ones), the clean
    target (B, 128) f32 and its weight (B,), 0 where nobody has that face.
    """

    def __init__(self, cache: Path, batch_size: int, seed: int, *, left_out: Collection[str] = ()) -> None:
        self._folder, self._size, self._seed, self._left_out = cache, batch_size, seed, left_out
        self._cache: face_cache.FaceCache | None = None

    def __getitem__(self, step: int) -> common.Batch:
        if self._cache is None:  # here, in the process that makes the batches
            cv2.setNumThreads(1)
            self._cache = face_cache.load(self._folder)
        cache = self._cache
        rng = views.generator(self._seed, step)
        crops, shown = [], []
        target, known = np.zeros((self._size, 128), np.float32), np.zeros(self._size, np.float32)
        for at in range(self._size):
            if rng.random() < REAL_SHARE:
                row = int(rng.integers(len(cache.targets)))
                canvas, target[at], known[at] = cache.canvases[row], cache.targets[row], 1.0
            else:
                canvas = mixtures.mixture(cache.canvases, cache.plan, int(rng.integers(len(cache.plan.kind))))
            if rng.random() < 0.5:
                canvas = canvas[:, ::-1]  # the answer sought is the same for both mirror images
            seen, clean = views.pair(np.ascontiguousarray(canvas), rng, left_out=self._left_out)
            crops.append(seen[..., ::-1])
            shown.append((clean if rng.random() < CLEAN_TEACHER_SHARE else seen)[..., ::-1])
        arrays = (np.stack(crops), np.stack(shown), target, known)
        return tuple(torch.from_numpy(one) for one in arrays)


class Loss:
    """What a step is judged by, of a batch as `FaceViews` gives it; the teacher must be where the batch is.

    A block's error is its squared difference to the teacher's map over that map's variance, so all count alike.
    """

    def __init__(self, teacher: Teacher, lesson: Kind) -> None:
        self._teacher, self._alone = teacher, lesson == "blocks"

    def __call__(self, model: nn.Module, batch: common.Batch) -> torch.Tensor:
        crops, shown, target, known = batch
        assert isinstance(model, Recogniser)
        taught, maps = self._teacher(_image(crops if self._alone else shown))
        x, errors = model.scale(_image(crops)), []
        for block, wanted in zip(model.blocks, maps, strict=True):
            answer = block(x)
            errors.append(_error(answer.float(), wanted))
            x = wanted if self._alone else answer
        vector = model.head(x).float()
        to_teacher = 1 - functional.cosine_similarity(vector, taught)
        blocks = torch.stack(errors).sum()
        if self._alone:
            return blocks + to_teacher.mean()
        to_clean = 1 - functional.cosine_similarity(vector, target)
        return BLOCK_WEIGHT * blocks + 2 * (to_teacher + known * 0.5 * (to_clean - to_teacher)).mean()


def _image(crops: torch.Tensor) -> torch.Tensor:
    return crops.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)


def _error(answer: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    spread = (wanted - wanted.mean((0, 2, 3), keepdim=True)).square().mean()
    return (answer - wanted).square().mean() / spread.clamp_min(1e-6)


def examples(cache: Path, number: int = 64) -> torch.Tensor:
    """(N, 3, 112, 112) f32 RGB 0..255: some dozens of crops, by which initial values are scaled."""
    faces, rng = face_cache.load(cache), views.generator(4242, 0)
    rows = rng.integers(len(faces.canvases), size=number)
    crops = [views.crop(np.ascontiguousarray(faces.canvases[row]), rng)[..., ::-1] for row in rows]
    return _image(torch.from_numpy(np.stack(crops)))


def begin(init: Path | None, cache: Path) -> Recogniser:
    """A net with initial values of its own, of a shipped .onnx of ours, or of another run's averaged weights."""
    model = Recogniser()
    if init is None:
        settle(model, examples(cache))
    elif init.suffix == ".onnx":
        warm_start.load_recogniser(model, init)
    else:
        model.load_state_dict(common.load(init)["averaged"])
    return model


def main() -> None:
    """Command line."""
    parser = common.arguments("train the face embedder")
    parser.add_argument("--lesson", choices=("blocks", "whole"), default="whole", help="each block alone, or the net")
    parser.add_argument(
        "--left-out", default=[], nargs="*", help="families of faults not to train on, to measure on them"
    )
    args = parser.parse_args()
    plan = replace(common.plan_from(args), weight_decay=0.0)
    cache = paths.CACHE
    if args.smoke:
        cache = plan.out / "cache"
        face_cache.build(cache, mixtures=64, limit=48, threads=args.threads)
    torch.manual_seed(plan.seed)
    model = begin(args.init, cache)
    views_of = FaceViews(cache, plan.batch_size, plan.seed, left_out=args.left_out)
    teacher = TorchTeacher().to(memory_format=torch.channels_last)
    common.train(plan, model, views_of, Loss(teacher, args.lesson), resume=args.resume)
    if args.smoke:
        pack.recogniser([plan.out / "checkpoint.pt"], plan.out, cache=cache, is_measured=False)


if __name__ == "__main__":
    main()
