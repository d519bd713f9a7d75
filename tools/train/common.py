"""What both trainings share: the loop with checkpoints, weight averaging, schedule, and the loss curve.

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
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

Batch = tuple[torch.Tensor, ...]


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


class WeightAverage:
    """Exponential mean of weights and batch-norm statistics; it is what gets exported."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move towards `model`; quicker at the start, when the mean knows little."""
        keep = min(self.decay, (1 + step) / (10 + step))
        for mean, now in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - keep)
            else:
                mean.copy_(now)


def arguments(description: str) -> argparse.ArgumentParser:
    """The options that both trainings know."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--steps", type=int, default=8000, help="length of the run, in batches")
    parser.add_argument("--minutes", type=float, help="anneal over this much training time instead of --steps")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint, curve and exports")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    parser.add_argument("--init", type=Path, help="start from the averaged weights of another run's checkpoint")
    parser.add_argument("--smoke", action="store_true", help="a tiny run that ends in under two minutes")
    parser.add_argument("--fp32", action="store_true", help="no bf16: faster on cores whose bf16 is emulated")
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
        bf16=not args.fp32,
    )


def rate(plan: Plan, step: int, elapsed_s: float) -> float:
    """Learning rate: short warm-up, then half a cosine down to a hundredth."""
    done = min(elapsed_s / (plan.minutes * 60), 1.0) if plan.minutes else min(step / plan.steps, 1.0)
    warm_up = min((step + 1) / min(200, max(plan.steps // 10, 1)), 1.0)
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


def shipped(state: dict[str, Any]) -> dict[str, Any]:
    """The averaged weights of what is shipped: without the parts that only training needs (`net.` marks the rest)."""
    averaged = state["averaged"]
    own = {name.removeprefix("net."): value for name, value in averaged.items() if name.startswith("net.")}
    return own or averaged


def train(
    plan: Plan,
    model: nn.Module,
    dataset: Dataset[Batch],
    loss_of: Callable[[nn.Module, Batch], torch.Tensor],
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
    model.train().to(memory_format=torch.channels_last)
    averaged = WeightAverage(model, plan.average)
    optimiser = torch.optim.AdamW(model.parameters(), plan.learning_rate, weight_decay=plan.weight_decay)
    step, elapsed_s = 0, 0.0
    if resume and checkpoint.is_file():
        state = load(checkpoint)
        model.load_state_dict(state["model"])
        averaged.model.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        if hasattr(loss_of, "load_state_dict"):
            loss_of.load_state_dict(state["loss"])
        step, elapsed_s = state["step"], state["elapsed_s"]
    curve, first = Curve(plan.out, step), step
    asked: list[int] = []  # SIGTERM ends the run after the step in progress, with a checkpoint
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    losses: list[float] = []
    began = time.monotonic()
    for batch in _batches(dataset, plan, step):
        now = rate(plan, step, elapsed_s)
        for group in optimiser.param_groups:
            group["lr"] = now
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bf16):
            loss = loss_of(model, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        step += 1
        averaged.update(model, step)
        losses.append(float(loss.detach()))
        ended = time.monotonic()
        elapsed_s, began = elapsed_s + ended - began, ended
        stopped = bool(asked) or finished(plan, step, elapsed_s) or step - first == stop_after
        if step % plan.log_every == 0 or stopped:
            mean = sum(losses) / len(losses)
            losses.clear()
            curve.add(step, elapsed_s, now, mean)
            print(f"step {step} {elapsed_s / 60:.1f} min rate {now:.2e} loss {mean:.4f}", flush=True)
        if step % plan.save_every == 0 or stopped:
            state = {"model": model.state_dict(), "averaged": averaged.model.state_dict(), "step": step}
            state |= {"optimiser": optimiser.state_dict(), "elapsed_s": elapsed_s, "plan": asdict(plan)}
            if hasattr(loss_of, "state_dict"):
                state["loss"] = loss_of.state_dict()
            save(checkpoint, state)
        if stopped:
            break
    signal.signal(signal.SIGTERM, before)
    curve.draw()
    return averaged
