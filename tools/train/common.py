"""Shared by all trainings: the loop with checkpoints, weight averaging, schedule, and the loss curve.

Every batch is made from (seed, step) alone, so a run that was stopped and resumed after any checkpoint gives the same
weights, bit for bit, as one that was not (with `--steps`; `--minutes` follows the clock).
"""

from __future__ import annotations

import argparse
import copy
import csv
import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

Batch = tuple[torch.Tensor, ...]
LossOf = Callable[[nn.Module, Batch], torch.Tensor]


@dataclass(frozen=True)
class Plan:
    """One training run."""

    out: Path
    steps: int
    minutes: float | None
    seed: int
    threads: int
    workers: int
    learning_rate: float
    batch_size: int
    save_every: int = 500
    log_every: int = 25
    weight_decay: float = 0.02
    average: float = 0.998
    bf16: bool = True
    device: str = "cpu"


class WeightAverage:
    """Exponential mean of weights and batch-norm statistics; the exported model is made from it."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards `model`, faster during the first steps."""
        keep = min(self.decay, (1 + step) / (10 + step))
        for mean, now in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def arguments(description: str) -> argparse.ArgumentParser:
    """The options of every training."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--steps", type=int, default=8000, help="length of the run, in batches")
    parser.add_argument("--minutes", type=float, help="anneal over this much training time instead of --steps")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint, curve and exports")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--init", type=Path, help="start from a checkpoint's averaged weights, or a shipped .onnx")
    parser.add_argument("--smoke", action="store_true", help="a tiny run that ends in under two minutes")
    parser.add_argument("--fp32", action="store_true", help="no bf16, also where the processor has it")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=128)
    return parser


def plan_from(args: argparse.Namespace) -> Plan:
    """The plan a command line asks for; `--smoke` shrinks it."""
    small = bool(args.smoke)
    return Plan(
        out=args.out,
        steps=min(args.steps, 30) if small else args.steps,
        minutes=None if small else args.minutes,
        seed=args.seed,
        threads=args.threads,
        workers=0 if small else args.workers,
        learning_rate=args.learning_rate,
        batch_size=min(args.batch_size, 16) if small else args.batch_size,
        save_every=15 if small else 500,
        log_every=5 if small else 25,
        bf16=not args.fp32 and has_bf16(),
    )


def has_bf16() -> bool:
    """Whether this processor multiplies bf16 itself; emulated, a step takes twice as long as in fp32."""
    known = torch.cpu.get_capabilities()
    return any(known.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def rate(plan: Plan, step: int, elapsed_s: float) -> float:
    """Learning rate: short warm-up, then half a cosine down to a hundredth."""
    done = min(elapsed_s / (plan.minutes * 60), 1.0) if plan.minutes else min(step / plan.steps, 1.0)
    warm_up = min((step + 1) / min(50, max(plan.steps // 10, 1)), 1.0)
    return plan.learning_rate * warm_up * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def finished(plan: Plan, step: int, elapsed_s: float) -> bool:
    """Whether a run has been as long as planned."""
    return elapsed_s >= plan.minutes * 60 if plan.minutes else step >= plan.steps


class Curve:
    """The loss curve as CSV, and as a picture when the run ends."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "curve.csv"
        rows = [row for row in _rows(self.path) if int(row[0]) <= step] if step else []
        with self.path.open("w", newline="") as file:
            csv.writer(file).writerows([("step", "elapsed_s", "rate", "loss"), *rows])

    def add(self, step: int, elapsed_s: float, rate_now: float, loss: float) -> None:
        with self.path.open("a", newline="") as file:
            csv.writer(file).writerow((step, f"{elapsed_s:.1f}", f"{rate_now:.3e}", f"{loss:.5f}"))

    def draw(self) -> None:
        """curve.png beside the CSV."""
        import matplotlib as mpl

        mpl.use("Agg")
        from matplotlib import pyplot as plt

        rows = _rows(self.path)
        figure, axes = plt.subplots(figsize=(7, 4))
        axes.plot([int(r[0]) for r in rows], [float(r[3]) for r in rows], linewidth=0.8)
        axes.set(xlabel="step", ylabel="loss", yscale="log")
        figure.tight_layout()
        figure.savefig(self.path.with_suffix(".png"), dpi=110)
        plt.close(figure)


def _rows(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return [row for row in csv.reader(file) if row and row[0].isdigit()]


def _batches(dataset: Dataset[Batch], plan: Plan, start: int) -> Iterator[Batch]:
    end = start + 10_000_000 if plan.minutes else plan.steps
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=range(start, end),
        num_workers=plan.workers,
        prefetch_factor=6 if plan.workers else None,
        # A forked worker would inherit the locks of OpenCV's and onnxruntime's threads and could wait for ever.
        multiprocessing_context="spawn" if plan.workers else None,
    )
    return iter(loader)


def save(path: Path, state: dict[str, Any]) -> None:
    """Written beside and moved into place: a stop never leaves half a checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def load(path: Path) -> dict[str, Any]:
    """A checkpoint written by `train`."""
    return dict(torch.load(path, map_location="cpu", weights_only=False))


def load_mean(paths: Sequence[Path]) -> dict[str, Any]:
    """The last of checkpoints of one net, with the mean of all averaged weights.

    Of trainings that went on one from the other it lies in a flatter place than each (stochastic weight averaging,
    Izmailov et al. 2018).
    """
    states = [load(path) for path in paths]
    each = [state["averaged"] for state in states]
    mean = {
        name: torch.stack([one[name] for one in each]).mean(0) if last.is_floating_point() else last
        for name, last in each[-1].items()
    }
    return {**states[-1], "averaged": mean}


class _Run:
    """What a checkpoint holds: net, its mean, optimiser, the loss's own state, and how far the run is."""

    def __init__(self, plan: Plan, model: nn.Module, loss_of: LossOf) -> None:
        model = model.train().to(plan.device, memory_format=torch.channels_last)
        self.plan, self.model, self.loss_of = plan, model, loss_of
        self.averaged = WeightAverage(model, plan.average)
        self.optimiser = torch.optim.AdamW(model.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
        self.step, self.elapsed_s = 0, 0.0

    def load(self, state: dict[str, Any]) -> None:
        """Go on from where `state` was taken."""
        self.model.load_state_dict(state["model"])
        self.averaged.model.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        if hasattr(self.loss_of, "load_state_dict"):
            self.loss_of.load_state_dict(state["loss"])
        self.step, self.elapsed_s = state["step"], state["elapsed_s"]

    def state(self) -> dict[str, Any]:
        """The checkpoint."""
        state = {"model": self.model.state_dict(), "averaged": self.averaged.model.state_dict(), "step": self.step}
        state |= {"optimiser": self.optimiser.state_dict(), "elapsed_s": self.elapsed_s, "plan": asdict(self.plan)}
        if hasattr(self.loss_of, "state_dict"):
            state["loss"] = self.loss_of.state_dict()
        return state

    def take_step(self, batch: Batch, rate_now: float) -> float:
        """One step of the optimiser; returns the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate_now
        there = tuple(one.to(self.plan.device, non_blocking=True) for one in batch)
        with torch.autocast(torch.device(self.plan.device).type, torch.bfloat16, enabled=self.plan.bf16):
            loss = self.loss_of(self.model, there)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self.averaged.update(self.model, self.step)
        return float(loss.detach())


def train(
    plan: Plan,
    model: nn.Module,
    dataset: Dataset[Batch],
    loss_of: LossOf,
    *,
    resume: bool = False,
    stop_after: int | None = None,
) -> WeightAverage:
    """Run (or go on with) a training; returns the averaged model.

    `loss_of(model, batch)` gives a scalar; where it has a `state_dict`, the checkpoint carries it.
    `stop_after` ends early after that many steps of this call, as an interruption would, with a checkpoint.
    """
    torch.set_num_threads(plan.threads)
    torch.manual_seed(plan.seed)
    plan.out.mkdir(parents=True, exist_ok=True)
    checkpoint = plan.out / "checkpoint.pt"
    run = _Run(plan, model, loss_of)
    if resume and checkpoint.is_file():
        run.load(load(checkpoint))
    asked: list[int] = []  # SIGTERM ends the run after the step in progress, with a checkpoint
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    _loop(run, dataset, checkpoint, asked, stop_after)
    signal.signal(signal.SIGTERM, before)
    return run.averaged


def _loop(run: _Run, dataset: Dataset[Batch], checkpoint: Path, asked: list[int], stop_after: int | None) -> None:
    """Steps, with loss curve and checkpoints, until the plan is done or somebody asks to end."""
    plan, curve, first = run.plan, Curve(run.plan.out, run.step), run.step
    losses: list[float] = []
    began = time.monotonic()
    for batch in _batches(dataset, plan, run.step):
        rate_now = rate(plan, run.step, run.elapsed_s)
        losses.append(run.take_step(batch, rate_now))
        ended = time.monotonic()
        run.elapsed_s, began = run.elapsed_s + ended - began, ended
        is_last = bool(asked) or finished(plan, run.step, run.elapsed_s) or run.step - first == stop_after
        if run.step % plan.log_every == 0 or is_last:
            mean = sum(losses) / len(losses)
            losses.clear()
            curve.add(run.step, run.elapsed_s, rate_now, mean)
            print(f"step {run.step} {run.elapsed_s / 60:.1f} min rate {rate_now:.2e} loss {mean:.4f}", flush=True)
        if run.step % plan.save_every == 0 or is_last:
            save(checkpoint, run.state())
        if is_last:
            break
    curve.draw()
