"""Train the face embedder on a GPU, from the data to files that can be shipped, in one command.

`python -m tools.train.all_on_gpu --minutes M --out DIR [--device cuda] [--workers N] [--resume] [--init FILE]`

The lessons are those of `tools.train.recogniser`: each block alone for a third of the time, in DIR/blocks, then the
whole net, in DIR. Workers mix and tint faces on the CPU; the faults of the fixed list,
the misplacement and the teacher run on the device in batches. A run that was stopped goes on from its last checkpoint
with `--resume`. At the end DIR/pack holds the int8 file with its entry, and DIR the fp32 one. `--smoke` takes a few
steps on the CPU.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tools.train import common, pack, paths, recogniser
from tools.train.material import batch_views, face_cache
from tools.train.material.torch_teacher import TorchTeacher

SHIP_SHARE = 0.06
"""Share of the minutes that is kept for the cache's check and the export."""


class Lesson:
    """The loss of a batch of canvases: spoils and places them on the device, then as `recogniser.Loss`."""

    def __init__(self, loss: recogniser.Loss, seed: int) -> None:
        self._loss, self._rng = loss, np.random.default_rng([seed, 9])

    def __call__(self, model: nn.Module, batch: common.Batch) -> torch.Tensor:
        clean, worse, target, known, level = batch
        with torch.no_grad(), torch.autocast(clean.device.type, enabled=False):
            seen, whole = batch_views.pairs(clean, worse, level, self._rng)
            of_clean = torch.rand(len(seen), 1, 1, 1, device=seen.device) < recogniser.CLEAN_TEACHER_SHARE
            shown = torch.where(of_clean, whole, seen)
        crops, taught = (one.clamp(0, 255).permute(0, 2, 3, 1) for one in (seen, shown))
        return self._loss(model, (crops, taught, target, known))

    def state_dict(self) -> dict[str, Any]:
        """The generator's state, for the checkpoint."""
        return {"rng": self._rng.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As `state_dict` gave it."""
        self._rng.bit_generator.state = state["rng"]


def main() -> None:
    """Command line."""
    args = _arguments()
    began = time.monotonic()
    plan = replace(common.plan_from(args), device=args.device, weight_decay=0.0)
    plan = replace(plan, bf16=plan.bf16 or (args.device != "cpu" and not args.fp32))
    plan = replace(plan, save_every=15 if args.smoke else 2000)
    cache = _cache(args)
    torch.manual_seed(plan.seed)
    if plan.minutes:  # the clock runs from the start of the command, and the export needs its share
        plan = replace(plan, minutes=max(plan.minutes * (1 - SHIP_SHARE) - (time.monotonic() - began) / 60, 0.1))
    if args.device != "cpu":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
    teacher = TorchTeacher().to(plan.device, memory_format=torch.channels_last)
    canvases = batch_views.Canvases(cache, plan.batch_size, plan.seed, recogniser.REAL_SHARE)
    model = recogniser.begin(args.init, cache)

    def lesson(kind: recogniser.Kind) -> Lesson:
        return Lesson(recogniser.Loss(teacher, kind), plan.seed)

    blocks, whole = _parts(plan)
    if not args.init:  # what begins with weights that learnt already needs no lessons of single blocks
        averaged = common.train(blocks, model, canvases, lesson("blocks"), resume=args.resume)
        model.load_state_dict(averaged.model.state_dict())
    common.train(whole if not args.init else plan, model, canvases, lesson("whole"), resume=args.resume)
    pack.recogniser([plan.out / "checkpoint.pt"], plan.out / "pack", cache=cache, is_measured=False)
    print(f"{plan.out / 'pack'}: measure it here with `python -m tools.train.pack recogniser`", flush=True)


def _parts(plan: common.Plan) -> tuple[common.Plan, common.Plan]:
    """The run of blocks, and that of the whole net."""
    blocks = replace(plan, out=plan.out / "blocks", steps=plan.steps // 3, minutes=plan.minutes and plan.minutes / 3)
    rest = replace(plan, steps=plan.steps - blocks.steps, minutes=plan.minutes and plan.minutes * 2 / 3)
    return blocks, rest


def _arguments() -> argparse.Namespace:
    parser = common.arguments("train the face embedder on a GPU, and export it")
    parser.add_argument("--device", default="cuda", help="where torch runs: cuda, cuda:1, cpu")
    parser.add_argument("--cache", type=Path, help="cache of faces [default: that of tools.train.data, made if absent]")
    parser.set_defaults(batch_size=1024, workers=14, threads=4)
    args = parser.parse_args()
    if args.smoke:
        args.device = "cpu"
    if args.device != "cpu" and not torch.cuda.is_available():
        parser.error(f"there is no {args.device} here: run it where there is a GPU, or pass --smoke to try the code")
    return args


def _cache(args: argparse.Namespace) -> Path:
    folder = args.cache or (args.out / "cache" if args.smoke else paths.CACHE)
    if not (folder / "mixtures.npz").is_file():
        small = {"mixtures": 64, "limit": 48} if args.smoke else {"mixtures": 240_000}
        face_cache.build(folder, threads=args.threads, **small)
    return Path(folder)


if __name__ == "__main__":
    main()
