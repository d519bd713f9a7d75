"""Train the face embedder on a GPU, from the data to files that can be shipped, in one command.

`python -m tools.train.all_on_gpu --minutes M --out DIR [--device cuda] [--workers N] [--resume] [--init FILE]`

The lessons are those of `tools.train.recogniser`. Workers mix and tint faces on the CPU; the faults of the fixed list,
the misplacement and the teacher run on the device in batches. A run that was stopped goes on from DIR/checkpoint.pt
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
    """The loss of a batch of canvases: spoils, places and teaches them on the device, then as `recogniser.loss_of`."""

    def __init__(self, teacher: nn.Module, seed: int) -> None:
        self._teacher, self._rng = teacher, np.random.default_rng([seed, 9])

    def __call__(self, model: nn.Module, batch: common.Batch) -> torch.Tensor:
        clean, worse, target, known, level = batch
        with torch.no_grad(), torch.autocast(clean.device.type, enabled=False):
            seen, whole = batch_views.pairs(clean, worse, level, self._rng)
            of_clean = torch.rand(len(seen), 1, 1, 1, device=seen.device) < recogniser.CLEAN_TEACHER_SHARE
            shown = torch.where(of_clean, whole, seen)
        with torch.no_grad():
            vector, maps = self._teacher(shown.contiguous(memory_format=torch.channels_last))
        crops = seen.clamp(0, 255).permute(0, 2, 3, 1)
        return recogniser.loss_of(model, (crops, target, known, vector, *maps))

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
    plan = replace(common.plan_from(args), device=args.device, save_every=15 if args.smoke else 2000)
    cache = _cache(args)
    torch.manual_seed(plan.seed)
    if plan.minutes:  # the clock runs from the start of the command, and the export needs its share
        plan = replace(plan, minutes=max(plan.minutes * (1 - SHIP_SHARE) - (time.monotonic() - began) / 60, 0.1))
    if args.device != "cpu":
        torch.backends.cudnn.benchmark = True
        torch.backends.cuda.matmul.allow_tf32 = True
    model = recogniser.Pupil()
    if args.init and not (args.resume and (plan.out / "checkpoint.pt").is_file()):
        recogniser.begin_from(model, args.init, cache)
    canvases = batch_views.Canvases(cache, plan.batch_size, plan.seed, recogniser.REAL_SHARE)
    lesson = Lesson(TorchTeacher().to(plan.device, memory_format=torch.channels_last), plan.seed)
    common.train(plan, model, canvases, lesson, resume=args.resume)
    pack.recogniser(plan.out / "checkpoint.pt", plan.out / "pack", cache=cache, is_measured=False)
    print(f"{plan.out / 'pack'}: measure it here with `python -m tools.train.pack recogniser`", flush=True)


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
