"""Records what was done to a picture, so that it can be repeated. Frozen, without behaviour, as in `records`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One named change of pixels, with all that is needed to do it again.

    A `generative` step drew detail that the camera never saw. `provider` ran its model; others may round differently.
    """

    name: str
    version: int
    params: Mapping[str, Any]
    model_sha256: str | None
    input_sha256: str
    output_sha256: str
    ms: float
    generative: bool = False
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class SkippedStep:
    """A step the planner left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Recipe:
    """The ordered steps done, and those left out with reasons. Pixel hashes are SHA-256 over shape and raw bytes."""

    steps: tuple[Step, ...] = ()
    skipped: tuple[SkippedStep, ...] = ()
