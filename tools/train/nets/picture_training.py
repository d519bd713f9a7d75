"""The training of a picture net, and the record of what such a net is.

A run with a critic spends its first two thirds on pixels alone (`DIR/pixel`), the rest against the critic.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.utils.data import Dataset

from tools.train import common
from tools.train.material import pictures
from tools.train.nets import picture_loss, warm_start
from tools.train.nets.picture_nets import Unfolded

SHEET_STEP = 1 << 30
"""The batch that sample sheets are made from; no training gets as far."""


@dataclass(frozen=True)
class PictureModel:
    """A picture net that can be trained, packed and measured.

    The output is `enlarge` times as large as the input, whose sides are multiples of `multiple`, px. Within `margin` px
    of its border the output lacks surroundings.
    """

    name: str
    task: str
    command: str
    net: Callable[[], Unfolded]
    make: pictures.Make
    color: str
    enlarge: int = 1
    multiple: int = 1
    margin: int = 0
    default: bool = True
    generative: bool = False
    critic: picture_loss.LossWeights | None = None


def train(model: PictureModel, args: argparse.Namespace, cache: Path) -> None:
    """Train as the command line asks: DIR/checkpoint.pt, DIR/curve.png and DIR/samples.png."""
    plan = replace(common.plan_from(args), weight_decay=0.0, average=0.999)
    torch.manual_seed(plan.seed)
    net = model.net()
    if args.init and args.init.suffix == ".onnx":
        warm_start.load_picture_net(net, args.init)
    elif args.init:
        net.load_state_dict(common.load(args.init)["averaged"])
    dataset = pictures.Pairs(cache, model.make, plan.batch_size, plan.seed)
    features = picture_loss.FaceFeatures.load() if model.critic else None
    pixel = picture_loss.Pixels(features)
    if model.critic is None:
        averaged = common.train(plan, net, dataset, pixel, resume=args.resume)
    else:
        averaged = in_two_parts(plan, net, dataset, pixel, model.critic, resume=args.resume)
    given, truth = dataset[SHEET_STEP]
    with torch.no_grad():
        answer = averaged.model(given[:12].contiguous())
    pictures.sheet(given[:12], answer, truth[:12], plan.out / "samples.png")


def in_two_parts(
    plan: common.Plan,
    model: Unfolded,
    dataset: Dataset[common.Batch],
    pixel: picture_loss.Pixels,
    weights: picture_loss.LossWeights,
    *,
    resume: bool,
    stop_after: int | None = None,
) -> common.WeightAverage:
    """Two thirds on pixels, the rest with a critic, from the mean weights of the first part."""
    first = replace(
        plan,
        out=plan.out / "pixel",
        steps=plan.steps * 2 // 3,
        minutes=plan.minutes * 2 / 3 if plan.minutes else None,
    )
    second = replace(
        plan,
        steps=plan.steps - first.steps,
        minutes=plan.minutes / 3 if plan.minutes else None,
        learning_rate=plan.learning_rate / 4,
        seed=plan.seed + 1,
    )
    if not (resume and (plan.out / "checkpoint.pt").is_file()):
        averaged = common.train(first, model, dataset, pixel, resume=resume, stop_after=stop_after)
        state = common.load(first.out / "checkpoint.pt")
        if not common.finished(first, state["step"], state["elapsed_s"]):
            return averaged
        model.load_state_dict(averaged.model.state_dict())
    torch.manual_seed(second.seed)
    against = picture_loss.Adversarial(pixel, weights, second.learning_rate)
    return common.train(second, model, dataset, against, resume=resume, stop_after=stop_after)
