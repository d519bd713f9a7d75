"""Train the face detector: it learns YuNet's dense answer for the clean picture, and for that picture at twice the
size, from a degraded view of it.

`python -m tools.train.detector --steps N --out DIR [--resume] [--smoke] [--minutes M] [--threads T]`
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset

from tools.train import common, pack, paths
from tools.train.material import leaning, mosaics, two_sizes, views
from tools.train.material.teachers import DenseFaces
from tools.train.nets import warm_start
from tools.train.nets.face_nets import Detector
from tools.train.ship import export

SIDE_PX = 256
KEPT = 256
REPLAYED = 12


class Scenes(Dataset[common.Batch]):
    """Item = the whole batch of that step: (B, 256, 256, 3) u8 BGR and (B, cells, 15) f32 teacher answers.

    Rows k and k + B/2 are a light and a heavy view of the same scene.
    """

    def __init__(self, cache: Path, batch_size: int, seed: int) -> None:
        self._folder, self._half, self._seed = cache, batch_size // 2, seed
        self._stock: mosaics.Portraits | None = None
        self._teacher: DenseFaces | None = None

    def __getitem__(self, step: int) -> common.Batch:
        if self._stock is None or self._teacher is None:
            cv2.setNumThreads(1)
            self._stock, self._teacher = mosaics.load(self._folder), DenseFaces(1)
        rng = views.generator(self._seed, step)
        scenes = [mosaics.pair(self._stock, SIDE_PX, rng) for _ in range(self._half)]
        large, clean, light, worse = (np.stack([scene[part] for scene in scenes]) for part in range(4))
        target = two_sizes.lesson(self._teacher(clean), self._teacher(large), SIDE_PX)
        for row, scene in enumerate(scenes):
            if scene.degrees:
                target[row] = leaning.turned_lesson(target[row], SIDE_PX, scene.degrees)
        return torch.from_numpy(np.concatenate([light, worse])), torch.from_numpy(np.concatenate([target, target]))


class HardNegatives:
    """Faceless pictures with the highest scores, replayed until the student has learnt them."""

    def __init__(self) -> None:
        self.images: torch.Tensor | None = None
        self.targets: torch.Tensor | None = None
        self.worst: torch.Tensor | None = None

    def mix_in(self, batch: common.Batch, step: int) -> tuple[common.Batch, list[int]]:
        """The batch with its first rows replaced by kept pictures, and which ones they are."""
        if self.images is None or self.targets is None or len(self.images) < KEPT:
            return batch, []
        images, targets = batch[0].clone(), batch[1].clone()
        chosen = np.random.default_rng([9, step]).choice(KEPT, min(REPLAYED, len(images) // 4), replace=False).tolist()
        images[: len(chosen)], targets[: len(chosen)] = self.images[chosen], self.targets[chosen]
        return (images, targets), chosen

    def update(self, batch: common.Batch, score: torch.Tensor, chosen: list[int]) -> None:
        """Keep the faceless pictures with the highest scores; refresh the scores of those that were replayed."""
        images, targets = batch
        fired = score.amax(1) * (targets[:, :, 0].amax(1) < 0.2)
        if self.images is None or self.targets is None or self.worst is None:
            self.images, self.targets, self.worst = images[:0], targets[:0], fired[:0]
        if chosen:
            self.worst[chosen] = fired[: len(chosen)]
        new = range(len(chosen), len(images))
        self.images = torch.cat([self.images, images[new.start :]])
        self.targets = torch.cat([self.targets, targets[new.start :]])
        self.worst = torch.cat([self.worst, fired[new.start :]])
        keep = self.worst.argsort(descending=True)[:KEPT]
        self.images, self.targets, self.worst = self.images[keep], self.targets[keep], self.worst[keep]

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.images, "targets": self.targets, "worst": self.worst}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images, self.targets, self.worst = state["images"], state["targets"], state["worst"]


def flat(levels: list[torch.Tensor]) -> torch.Tensor:
    """Head outputs (N, 15, h, w) of all strides -> (N, cells, 15)."""
    return torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1)


class Loss:
    """Quality focal loss on the score, robust errors of box and landmarks in units of the face's width."""

    def __init__(self) -> None:
        self.mined = HardNegatives()
        self.step = 0

    def __call__(self, model: nn.Module, batch: common.Batch) -> torch.Tensor:
        batch, chosen = self.mined.mix_in(batch, self.step)
        self.step += 1
        image, target = batch
        answer = flat(model(image.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last))).float()
        wanted, logit = target[:, :, 0], answer[:, :, 0]
        score = torch.sigmoid(logit)
        self.mined.update(batch, score.detach(), chosen)
        entropy = functional.binary_cross_entropy_with_logits(logit, wanted, reduction="none")
        faces = wanted.sum().clamp(min=1.0)
        away = (wanted - score.detach()).abs()
        # The usual square on all cells leaves small faces at .6 where the teacher says .87.
        scores = (entropy * torch.where(wanted > 0.25, 1.5 * away, away.pow(1.5))).sum() / faces
        sure = wanted > 0.25
        weight, near, right = wanted[sure], answer[sure], target[sure]
        width = right[:, 3:4].clamp(-2, 4).exp()
        shift = functional.smooth_l1_loss(near[:, 1:3] / width, right[:, 1:3] / width, beta=0.01, reduction="none")
        size = functional.smooth_l1_loss(near[:, 3:5], right[:, 3:5], beta=0.03, reduction="none")
        # Nearly the plain distance: with a wider quadratic part the landmarks stayed at .15 eye distances.
        points = functional.smooth_l1_loss(near[:, 5:] / width, right[:, 5:] / width, beta=0.005, reduction="none")
        places = shift.sum(1) + size.sum(1) + 1.5 * points.sum(1)
        return scores + 1.0 * (places * weight).sum() / weight.sum().clamp(min=1.0)

    def state_dict(self) -> dict[str, Any]:
        return {"mined": self.mined.state_dict(), "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mined.load_state_dict(state["mined"])
        self.step = state["step"]


def main() -> None:
    """Command line."""
    args = common.arguments("train the face detector").parse_args()
    plan = common.plan_from(args)
    cache = plan.out / "cache" if args.smoke else paths.CACHE
    if not (cache / "portraits.npy").is_file():
        mosaics.build(cache, limit=48 if args.smoke else None)
    torch.manual_seed(plan.seed)
    model = Detector()
    scenes = Scenes(cache, plan.batch_size, plan.seed)
    if args.init and args.init.suffix == ".onnx":
        # Of a set of its own: one that has made a batch holds a session, which a worker process can't be given.
        examples = Scenes(cache, plan.batch_size, plan.seed)[0][0]
        warm_start.load(model, args.init, examples.permute(0, 3, 1, 2).float())
        export.shift_scores(model, -export.SCORE_SHIFT)  # what the export added
    elif args.init:
        model.load_state_dict(common.load(args.init)["averaged"])
    common.train(plan, model, scenes, Loss(), resume=args.resume)
    if args.smoke:
        pack.detector([plan.out / "checkpoint.pt"], plan.out, cache=cache, is_measured=False)


if __name__ == "__main__":
    main()
