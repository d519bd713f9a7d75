"""Every step there is, in the order in which steps run. A change of pixels is a new version; nothing runs here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.errors import ImageError
from edge.pixels.light import lime


@dataclass(frozen=True, slots=True)
class StepKind:
    """One step that can be planned: its version, its first parameters, its enlargement, and the faults it cures.

    A learned step runs a model of the pack whose task is the step's name. A generative one draws what it takes to be
    there. `cures` names the faults that call for it. For recognition an `aligned` one is done on the aligned crop,
    where a fault has one scale for faces of any size; any other on the face as captured.
    """

    version: int
    cures: tuple[str, ...]
    params: Mapping[str, Any] = field(default_factory=dict)
    learned: bool = True
    generative: bool = False
    factor: int = 1
    aligned: bool = False


_LIME = {
    "gamma": lime.GAMMA,
    "alpha": lime.ALPHA,
    "weighting": int(lime.Weighting.INVERSE_GRADIENT),
    "solver": "fast",
    "calm": True,
}

STEPS: Mapping[str, StepKind] = {
    "denoise": StepKind(version=1, cures=("noise",)),
    "lime": StepKind(version=1, cures=("dark",), params=_LIME, learned=False),
    "deblur": StepKind(version=1, cures=("motion", "blur"), aligned=True),
    "restore": StepKind(version=1, cures=("blocks",), generative=True),
    "sr2": StepKind(version=1, cures=("small",), factor=2),
    "sr4": StepKind(version=1, cures=("small",), generative=True, factor=4),
}
"""Noise comes before light, because brightening also brightens noise; then blur; size last, which costs least."""

GENERATIVE = frozenset(name for name, kind in STEPS.items() if kind.generative)


def kind_of(name: str) -> StepKind:
    """The step called `name`; raises ImageError that lists those there are."""
    if name not in STEPS:
        raise ImageError(f"there is no enhancement step {name!r}: choose from {', '.join(STEPS)}")
    return STEPS[name]
