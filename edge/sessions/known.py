"""Known answers: what a model answers to a drawn input, so that a session which computes something else is not used.

A processor, driver or provider can compute an int8 model wrongly without any error: products saturate, kernels differ.
The input is drawn from a seed by SHAKE-128, so it is the same on every machine and with every version of every library;
it shows no face. The answer was recorded in exact arithmetic when the pack was sealed (`python -m tools.seal`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.sessions.manifest import Dim, InputSpec

F32 = NDArray[np.float32]
SIDE_PX = 64
"""Side of the input where the model leaves it free; the next multiple that the model asks for, at least."""
BLOCKS = ((32, 0.4), (8, 0.35), (2, 0.15), (1, 0.1))
"""(side of a block in px, share): coarse and fine structure, as in pictures."""
MAX_VALUES = 128
"""Values kept of each output, evenly spread over it."""
SHARE = 0.08
"""Tolerated root mean square difference as a share of the answer's root mean square; cosines of .998 give .063."""
FLOOR, PIXEL_TOLERANCE = 0.01, 1.5
"""Least tolerance of any output, and the tolerance of pictures in units of 1/255."""


@dataclass(frozen=True, slots=True)
class KnownAnswer:
    """`outputs` holds, by name, the values kept and the tolerated root mean square difference from them."""

    seed: int
    shape: tuple[int, int, int, int]
    outputs: Mapping[str, tuple[F32, float]]

    @classmethod
    def parse(cls, recorded: Mapping[str, Any]) -> KnownAnswer:
        """Read what `as_json` wrote; raises ModelError where it is something else."""
        try:
            number, channels, height, width = (int(size) for size in recorded["shape"])
            outputs = {
                str(name): (np.asarray(kept["values"], np.float32).reshape(-1), float(kept["tolerance"]))
                for name, kept in recorded["outputs"].items()
            }
            return cls(int(recorded["seed"]), (number, channels, height, width), outputs)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ModelError("the pack's known answers are damaged; restore the pack") from None

    def as_json(self) -> dict[str, Any]:
        """JSON-ready form, values to six digits."""
        outputs = {
            name: {"values": [float(f"{value:.6g}") for value in values], "tolerance": float(f"{tolerance:.4g}")}
            for name, (values, tolerance) in self.outputs.items()
        }
        return {"seed": self.seed, "shape": list(self.shape), "outputs": outputs}

    def distance(self, answer: Mapping[str, F32]) -> float:
        """Largest difference of an output from what is known, as a multiple of its tolerance; 1 is just tolerated.

        Infinite where an output is missing, has another number of values or is not finite.
        """
        worst = 0.0
        for name, (values, tolerance) in self.outputs.items():
            found = sample(answer[name]) if name in answer else np.empty(0, np.float32)
            if found.shape != values.shape or not np.isfinite(found).all():
                return float("inf")
            worst = max(worst, _rms(found - values) / tolerance)
        return worst


def record(seed: int, shape: Sequence[int], answer: Mapping[str, F32], *, is_picture: bool) -> KnownAnswer:
    """Keep an exact answer to `drawn_input(seed, shape, ...)` with its tolerance."""
    number, channels, height, width = shape
    outputs = {}
    for name, array in answer.items():
        values = sample(array)
        outputs[name] = (values, PIXEL_TOLERANCE if is_picture else max(SHARE * _rms(values), FLOOR))
    return KnownAnswer(seed, (number, channels, height, width), outputs)


def sample(array: F32) -> F32:
    """At most `MAX_VALUES` values of an output, evenly spread over it."""
    flat = np.asarray(array, np.float32).reshape(-1)
    return flat[np.linspace(0, len(flat) - 1, min(len(flat), MAX_VALUES)).astype(np.int64)]


def input_shape(shape: Sequence[Dim], multiple: int) -> tuple[int, int, int, int]:
    """Sizes of the drawn input for a model's input shape; what is free becomes one picture of `SIDE_PX`."""
    side = -(-SIDE_PX // multiple) * multiple
    number, channels, height, width = (
        size if isinstance(size, int) else free for size, free in zip(shape, (1, 3, side, side), strict=True)
    )
    return number, channels, height, width


def drawn_input(seed: int, shape: Sequence[int], spec: InputSpec) -> F32:
    """(N, C, H, W) float32 of blocks of several sizes in 0..255, scaled as the model's pictures are."""
    number, channels, height, width = shape
    total = np.zeros((number, channels, height, width), np.float64)
    for side, share in BLOCKS:
        rows, columns = -(-height // side), -(-width // side)
        size = number * channels * rows * columns
        drawn = hashlib.shake_128(f"{seed} {side}".encode()).digest(size)
        blocks = np.frombuffer(drawn, np.uint8).reshape(number, channels, rows, columns)
        total += share * blocks.repeat(side, axis=2).repeat(side, axis=3)[:, :, :height, :width]
    pixels = np.clip(np.rint((total - 127.5) * 1.8 + 127.5), 0, 255).astype(np.float32)
    mean, std = (np.array(values[:channels], np.float32).reshape(1, -1, 1, 1) for values in (spec.mean, spec.std))
    return np.asarray((pixels - mean) / std, np.float32)


def _rms(values: F32) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64)))) if values.size else 0.0
