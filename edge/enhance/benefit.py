"""Which steps were shown to raise the true accept rate, for which fault and level, and for which models that holds.

The file is written by `edge eval restore --write-benefit` and lies beside the model pack. Without it, or where a model
or a step has changed since, no step is done for recognition.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from edge.enhance.steps import GENERATIVE, STEPS
from edge.sessions import Pack
from edge.strict import StrictFinite

BENEFIT_FILE = "benefit.json"
DEFAULT_DISAGREEMENT = 0.1
"""How much two similarities may differ without a calibration."""


class Shown(StrictFinite):
    """One result: with this fault at these levels, this step raises the true accept rate.

    `gain` is the rise at FMR 1e-2, `least` its lower confidence bound, both 0..1, on the people it was chosen on.
    """

    step: str
    fault: str
    min_level: int = Field(ge=1, le=5)
    max_level: int = Field(ge=1, le=5)
    gain: float
    least: float = Field(gt=0)


class BenefitFile(StrictFinite):
    """What `benefit.json` holds."""

    version: int = Field(ge=1, le=1)
    models: dict[str, str]
    steps: dict[str, int]
    shown: tuple[Shown, ...]
    disagreement: float = Field(gt=0, le=2)
    how: dict[str, Any] = Field(default_factory=dict)
    rows: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Benefit:
    """The steps allowed for recognition. `problem` says why none is; None if the file is valid."""

    shown: tuple[Shown, ...] = ()
    disagreement: float = DEFAULT_DISAGREEMENT
    problem: str | None = "no benefit was measured"

    def gain(self, step: str, fault: str, level: int) -> float:
        """By how much the step was shown to raise the true accept rate with that fault at that level; 0 where not."""
        found = (
            one.gain
            for one in self.shown
            if (one.step, one.fault) == (step, fault)
            and one.min_level <= level <= one.max_level
            and step not in GENERATIVE
        )
        return max(found, default=0.0)

    def told(self) -> str:
        """Say which steps are allowed for recognition, or why none is."""
        if self.problem is not None:
            return self.problem
        steps = sorted({f"{one.step} for {one.fault} from level {one.min_level}" for one in self.shown})
        return f"shown to help recognition: {', '.join(steps)}" if steps else "for viewing only, as measured"


def hashes_of(pack: Pack) -> dict[str, str]:
    """SHA-256 of the model that each task uses by default."""
    return {entry.task: entry.sha256 for entry in pack.manifest.models if entry.default}


def read_benefit(pack: Pack) -> Benefit:
    """The pack's benefit, or why there is none."""
    path = pack.models_dir / BENEFIT_FILE
    try:
        held = BenefitFile.model_validate(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return Benefit(problem=f"{path.name} is missing: every step is for viewing only")
    except (OSError, ValueError, ValidationError):
        return Benefit(problem=f"{path.name} can't be read: every step is for viewing only")
    stale = stale_parts(held, hashes_of(pack))
    if stale:
        return Benefit(problem=f"{path.name} was measured with another {', '.join(stale)}: every step is view-only")
    return Benefit(held.shown, held.disagreement, None)


def stale_parts(held: BenefitFile, hashes: Mapping[str, str]) -> list[str]:
    """The tasks whose model, and the steps whose version, is not the one that was measured.

    A model that came later was not tried: its step is for viewing only, and what was shown of others still holds.
    """
    tasks = sorted({"detect", "embed", *held.models})
    changed = [task for task in tasks if held.models.get(task) != hashes.get(task)]
    return changed + [f"version of {name}" for name, number in held.steps.items() if _version_of(name) != number]


def _version_of(step: str) -> int | None:
    return STEPS[step].version if step in STEPS else None
