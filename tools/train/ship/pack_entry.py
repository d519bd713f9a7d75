"""Adds a model to a pack: fp32 ONNX -> int8 ONNX, measured scores, manifest entry, card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tools import manifest, quantize
from tools.train.ship import cards

CALIBRATION_SEED = 4242
RELEASE = "202611"


@dataclass(frozen=True)
class PackEntry:
    """A model that is to be added to the pack, before it is quantized."""

    name: str
    task: str
    trainer: str
    state: dict[str, Any]
    fp32: Path
    exclude: list[str]
    """Nodes that stay fp32."""
    spec: dict[str, Any]
    outputs: dict[str, Any]
    default: bool = True
    generative: bool = False
    compress: tuple[str, ...] = ()
    """Of the excluded, those whose weights are nevertheless stored as int8."""
    notes: tuple[str, ...] = ()
    """Sentences for the card about how it came about."""


Measure = Callable[[dict[str, Path]], dict[str, Any]]
"""From the files of both precisions to the scores of the manifest."""


def add_to_pack(
    made: PackEntry, models: Path, calibration: Iterator[NDArray[np.float32]], measure: Measure | None
) -> dict[str, Any]:
    """Quantize, measure, write the file and its manifest entry, which is returned."""
    models.mkdir(parents=True, exist_ok=True)
    target = models / f"{made.name}_{RELEASE}_int8.onnx"
    partial = made.fp32.with_name(target.name)
    quantize.quantize(made.fp32, partial, calibration, exclude=made.exclude)
    quantize.compress(partial, made.compress)
    scores = measure({"int8": partial, "fp32": made.fp32}) if measure else {}
    opset, _ = quantize.check(partial)
    content = partial.read_bytes()
    entry = {
        "name": made.name,
        "task": made.task,
        "file": target.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "precision": "int8",
        "opset": opset,
        "input": made.spec,
        "outputs": made.outputs,
        "default": made.default,
        "generative": made.generative,
        **cards.card_text(made.name),
        "scores": scores,
        "provenance": _provenance(made.trainer, made.state) | ({"notes": [*made.notes]} if made.notes else {}),
    }
    target.write_bytes(content)
    write_entry(models, entry)
    return entry


def _provenance(trainer: str, state: dict[str, Any]) -> dict[str, Any]:
    plan = state["plan"]
    length = f"--minutes {plan['minutes']:g}" if plan["minutes"] else f"--steps {plan['steps']}"
    return {
        "command": f"python -m tools.train.{trainer} {length} --batch-size {plan['batch_size']} --out DIR",
        "seed": plan["seed"],
        "steps": state["step"],
        "batch_size": plan["batch_size"],
        "minutes": round(state["elapsed_s"] / 60, 1),
        "torch": torch.__version__,
    }


def write_entry(models: Path, entry: dict[str, Any]) -> None:
    """Put an entry into the manifest (replacing the one of that name) and rewrite the cards."""
    content = manifest.read(models)
    others = [old for old in content["models"] if (old["task"], old["name"]) != (entry["task"], entry["name"])]
    content["models"] = sorted([*others, entry], key=lambda one: (one["task"], one["name"]))
    manifest.write(models, content)
    (models / "MODELS.md").write_text(cards.page(content["models"]), "utf-8")
