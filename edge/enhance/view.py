"""Which steps were shown to help the eye, for which measured faults: what a planner for viewing may choose from.

The file is written by `edge eval restore --write-view` and lies beside the model pack. Each choice says for which
levels of the faults it holds. Without it, where a step or its model has changed since, or for faults that were not
measured together, nothing is done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import Field, ValidationError

from edge.enhance.faults import FAULTS
from edge.enhance.steps import GENERATIVE, STEPS
from edge.sessions import Pack
from edge.strict import StrictFinite

VIEW_FILE = "view.json"


class ChosenStep(StrictFinite):
    """A step with the parameters that are not its usual ones."""

    name: str
    params: dict[str, Any] = Field(default_factory=dict)


class Choice(StrictFinite):
    """With these levels of the faults, these steps help: `psnr_db` and `likeness` are the mean gains.

    `levels` gives the first and the last level of each fault, 0..5; a fault that it does not name must not be there.
    """

    steps: tuple[ChosenStep, ...] = Field(min_length=1)
    levels: dict[str, tuple[int, int]]
    psnr_db: float
    likeness: float
    num_faces: int = Field(ge=1)

    def holds_for(self, levels: Mapping[str, int]) -> bool:
        """Whether it was made for faces with these levels."""
        return all(low <= levels[fault] <= high for fault in FAULTS for low, high in [self.levels.get(fault, (0, 0))])


class ViewFile(StrictFinite):
    """What `view.json` holds. `measured_with` names the detector and the embedder of the measurement."""

    version: int = Field(ge=1, le=1)
    models: dict[str, str]
    measured_with: dict[str, str]
    steps: dict[str, int]
    choices: tuple[Choice, ...]
    how: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Views:
    """The choices for viewing. `problem` says why there is none; None if the file is valid."""

    choices: tuple[Choice, ...] = ()
    problem: str | None = "no choice was measured"

    def steps_for(self, levels: Mapping[str, int]) -> tuple[ChosenStep, ...]:
        """The steps shown to help the eye with these faults; none where none was."""
        return next((choice.steps for choice in self.choices if choice.holds_for(levels)), ())

    def told(self) -> str:
        """Say which steps are chosen for viewing, or why none is."""
        if self.problem is not None:
            return self.problem
        steps = sorted({step.name for choice in self.choices for step in choice.steps})
        return f"shown to help the eye: {', '.join(steps)}" if steps else "no step was shown to help the eye"


def read_views(pack: Pack) -> Views:
    """The pack's choices, or why there are none."""
    try:
        held = ViewFile.model_validate(json.loads((pack.models_dir / VIEW_FILE).read_text("utf-8")))
    except FileNotFoundError:
        return Views(problem=f"{VIEW_FILE} is missing: nothing is enhanced")
    except (OSError, ValueError, ValidationError):
        return Views(problem=f"{VIEW_FILE} can't be read: nothing is enhanced")
    stale = stale_steps(held, {entry.task: entry.sha256 for entry in pack.manifest.models if entry.default})
    if stale:
        return Views(problem=f"{VIEW_FILE} was measured with another {', '.join(stale)}: nothing is enhanced")
    return Views(held.choices, None)


def stale_steps(held: ViewFile, hashes: Mapping[str, str]) -> list[str]:
    """The steps that are used and are not those that were measured: another model, another version, or drawing detail.

    Another embedder or detector changes nothing of what a step does to pixels.
    """
    names = {step.name for choice in held.choices for step in choice.steps}
    return sorted(
        name
        for name in names
        if name not in STEPS
        or name in GENERATIVE
        or held.steps.get(name) != STEPS[name].version
        or (STEPS[name].learned and (name not in held.models or held.models[name] != hashes.get(name)))
    )
