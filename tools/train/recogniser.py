"""Train the face embedder: it learns, stage by stage, what two public teachers make of a face.

No labels are used. The student sees a degraded, misaligned crop. Two thirds of the time the degraded-face teacher sees
the same crop, else the clean one at the same place, and each of its stages is a lesson for every place of the picture
(1 x 1 adapters, as in FitNets, Romero et al. 2015). For real faces the vector of the clean crop is a target too. More
than half of each batch are faces mixed, bent and composed of parts: on few real pictures alone a student learns those
by heart.
`python -m tools.train.recogniser --steps N --out DIR [--resume] [--init FILE] [--smoke] [--minutes M] [--threads T]`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset

from tools.train import common, pack, paths
from tools.train.material import face_cache, mixtures, views
from tools.train.material.teachers import StageTeacher
from tools.train.nets import warm_start
from tools.train.nets.face_nets import Recogniser

REAL_SHARE = 0.45
CLEAN_TEACHER_SHARE = 0.35
STAGE_WEIGHTS = (0.1, 0.25, 0.25, 0.4)


Teacher = Callable[[NDArray[np.uint8]], tuple[NDArray[np.float32], list[NDArray[np.float16]]]]
"""Crops (N, 112, 112, 3) u8 RGB -> vectors and stages, as `StageTeacher`."""


class FaceViews(Dataset[common.Batch]):
    """Item = the whole batch of a step.

    Crops (B, 112, 112, 3) u8 RGB, the clean target (B, 128) f32 and its weight (B,), 0 where nobody has that face,
    the teacher's vector (B, 128) f32 and its stages (B, C, S, S) f16.
    """

    def __init__(
        self, cache: Path, batch_size: int, seed: int, *, left_out: str = "", teacher: Teacher | None = None
    ) -> None:
        self._folder, self._size, self._seed, self._left_out = cache, batch_size, seed, left_out
        self._teacher = teacher
        self._cache: face_cache.FaceCache | None = None

    def __getitem__(self, step: int) -> common.Batch:
        if self._cache is None:  # here, in the process that makes the batches
            cv2.setNumThreads(1)
            self._cache = face_cache.load(self._folder)
        if self._teacher is None:
            self._teacher = StageTeacher()
        cache = self._cache
        rng = views.generator(self._seed, step)
        crops, shown, targets, known = [], [], [], []
        for _ in range(self._size):
            canvas, target = self._face(cache, rng)
            if rng.random() < 0.5:
                canvas = canvas[:, ::-1]  # the answer sought is the same for both mirror images
            seen, clean = views.pair(np.ascontiguousarray(canvas), rng, left_out=self._left_out)
            crops.append(seen[..., ::-1])
            shown.append((clean if rng.random() < CLEAN_TEACHER_SHARE else seen)[..., ::-1])
            targets.append(np.zeros(128, np.float32) if target is None else target)
            known.append(0.0 if target is None else 1.0)
        vector, maps = self._teacher(np.stack(shown))
        arrays: list[Any] = [np.stack(crops), np.stack(targets), np.array(known, np.float32), vector, *maps]
        return tuple(torch.from_numpy(one) for one in arrays)

    def _face(self, cache: face_cache.FaceCache, rng: np.random.Generator) -> tuple[Any, Any]:
        """A canvas and its clean target; a mixture has none."""
        if rng.random() < REAL_SHARE:
            row = int(rng.integers(len(cache.targets)))
            return cache.canvases[row], cache.targets[row]
        return mixtures.mixture(cache.canvases, cache.plan, int(rng.integers(len(cache.plan.kind)))), None


class Pupil(nn.Module):
    """The net that is shipped, and the adapters that only training needs."""

    def __init__(self, net: Recogniser | None = None) -> None:
        super().__init__()
        self.net = net or Recogniser()
        sides = zip(Recogniser.STAGES, StageTeacher.STAGES, strict=True)
        self.adapters = nn.ModuleList([nn.Conv2d(own, theirs, 1) for (own, _), (theirs, _) in sides])

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        maps = self.net.stages(image)
        return self.net.head(maps[-1]), [adapt(one) for adapt, one in zip(self.adapters, maps, strict=True)]


def loss_of(model: nn.Module, batch: common.Batch) -> torch.Tensor:
    """1 - cosine of the vector to its targets, twice, plus 1 - cosine at each place of each stage, weighted."""
    image, target, known, taught, *maps = batch
    answer, stages = model(image.permute(0, 3, 1, 2).float())
    to_teacher = 1 - functional.cosine_similarity(answer.float(), taught)
    to_clean = 1 - functional.cosine_similarity(answer.float(), target)
    loss = 2 * (to_teacher + known * 0.5 * (to_clean - to_teacher)).mean()
    for weight, own, theirs in zip(STAGE_WEIGHTS, stages, maps, strict=True):
        loss = loss + weight * (1 - functional.cosine_similarity(own.float(), theirs.float(), dim=1)).mean()
    return loss


def _examples(cache: Path, number: int = 192) -> torch.Tensor:
    faces, rng = face_cache.load(cache), views.generator(4242, 0)
    rows = rng.integers(len(faces.canvases), size=number)
    crops = [views.crop(np.ascontiguousarray(faces.canvases[row]), rng)[..., ::-1] for row in rows]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float()


def begin_from(model: Pupil, file: Path, cache: Path) -> None:
    """Start from a shipped .onnx of ours, or from the averaged weights of another run's checkpoint."""
    if file.suffix == ".onnx":
        warm_start.load(model.net, file, _examples(cache))
    else:
        model.load_state_dict(common.load(file)["averaged"])


def main() -> None:
    """Command line."""
    parser = common.arguments("train the face embedder")
    parser.add_argument("--left-out", default="", help="a family of faults not to train on, to measure on it")
    args = parser.parse_args()
    plan = common.plan_from(args)
    cache = paths.CACHE
    if args.smoke:
        cache = plan.out / "cache"
        face_cache.build(cache, mixtures=64, limit=48, threads=args.threads)
    torch.manual_seed(plan.seed)
    model = Pupil()
    resumed = args.resume and (plan.out / "checkpoint.pt").is_file()
    if args.init and not resumed:
        begin_from(model, args.init, cache)
    views_of = FaceViews(cache, plan.batch_size, plan.seed, left_out=args.left_out)
    common.train(plan, model, views_of, loss_of, resume=args.resume)
    if args.smoke:
        pack.recogniser(plan.out / "checkpoint.pt", plan.out, cache=cache, is_measured=False)


if __name__ == "__main__":
    main()
