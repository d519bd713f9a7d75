"""Train the face embedder: it learns MobileFaceNet's answer for the clean crop from a degraded, misaligned one.

No labels are used. A third of each batch are training people, the rest faces mixed and bent from
them: on few real pictures alone a student learns those by heart.
`python -m tools.train.recogniser --steps N --out DIR [--resume] [--smoke] [--minutes M] [--threads T]`
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset

from tools.train import common, data, paths, views
from tools.train.nets import Recogniser


class FaceViews(Dataset[common.Batch]):
    """Item = the whole batch of that step: (B, 112, 112, 3) u8 RGB and (B, 128) f32 targets."""

    def __init__(self, cache: Path, batch_size: int, seed: int) -> None:
        self._folder, self._size, self._seed = cache, batch_size, seed
        self._cache: data.FaceCache | None = None

    def __getitem__(self, step: int) -> common.Batch:
        if self._cache is None:
            cv2.setNumThreads(1)
            self._cache = data.load(self._folder)
        cache = self._cache
        rng = np.random.default_rng([self._seed, step])
        crops, targets = [], []
        for k in range(self._size):
            if k % 3:
                row = int(rng.integers(len(cache.mixed_targets)))
                canvas, target = data.mixture(cache.canvases, cache.plan, row), cache.mixed_targets[row]
            else:
                row = int(rng.integers(len(cache.targets)))
                canvas, target = cache.canvases[row], cache.targets[row]
            if rng.random() < 0.5:
                canvas = canvas[:, ::-1]  # the answer sought is the same for both mirror images
            crops.append(views.crop(np.ascontiguousarray(canvas), rng)[..., ::-1])
            targets.append(target)
        return torch.from_numpy(np.stack(crops)), torch.from_numpy(np.stack(targets))


def loss_of(model: nn.Module, batch: common.Batch) -> torch.Tensor:
    """1 - cosine between answer and target, mean over the batch."""
    image, target = batch
    answer = model(image.permute(0, 3, 1, 2).float())
    return (1 - functional.cosine_similarity(answer.float(), target)).mean()


def main() -> None:
    """Command line."""
    args = common.arguments("train the face embedder").parse_args()
    plan = common.plan_from(args)
    cache = paths.CACHE
    if args.smoke:
        cache = plan.out / "cache"
        data.build(cache, mixtures=64, limit=48, threads=args.threads)
    torch.manual_seed(plan.seed)
    model = Recogniser()
    if args.init:
        model.load_state_dict(common.load(args.init)["averaged"])
    common.train(plan, model, FaceViews(cache, plan.batch_size, plan.seed), loss_of, resume=args.resume)
    if args.smoke:
        from tools.train import pack

        pack.recogniser(plan.out / "checkpoint.pt", plan.out, cache=cache, measure=False)


if __name__ == "__main__":
    main()
