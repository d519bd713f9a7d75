"""Which steps a picture gets, doing them, and the recipe by which they can be done again.

Every step here is for eyes: the changed picture is shown to people, and recognition scores the original. Brightening
before denoising is known to cost more faces than it wins, so no step may claim another purpose until it is measured.
How a step changes pixels is `pixels`' business; where recipes are kept is the store's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError
from edge.pixels import lime
from edge.pixels.hashing import pixel_sha256
from edge.records import Quality, Recipe, SkippedStep, Step

PURPOSE = "view"
"""What enhanced pictures are for; carried in every recipe."""

MAX_LUMA = 0.3
"""Mean luma below which a face is hard to make out on a screen; faces in daylight have 0.4 to 0.67."""


@dataclass(frozen=True, slots=True)
class StepKind:
    """One step that can be planned: what it is called, which version of it runs, and how it starts out."""

    version: int
    params: Mapping[str, Any]
    run: Callable[..., BgrImage]


STEPS: Mapping[str, StepKind] = {
    "lime": StepKind(
        version=1,
        params={
            "gamma": lime.GAMMA,
            "alpha": lime.ALPHA,
            "rho": lime.RHO,
            "mu0": lime.MU0,
            "iterations": lime.ITERATIONS,
            "weighting": int(lime.Weighting.INVERSE_GRADIENT),
        },
        run=lime.enhance_lowlight,
    ),
}
"""Every step there is, in the order in which steps run. A change of pixels is a new version."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step to do, with its parameters."""

    name: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps to do in order, and those left out with reasons; together every step there is, once."""

    steps: tuple[PlannedStep, ...]
    skipped: tuple[SkippedStep, ...]


class Enhancer:
    """Plans by measured faults and carries plans out.

    `clock` gives seconds; without one, recipes say 0 ms and so are the same on every run.
    """

    def __init__(self, mode: str = "auto", clock: Callable[[], float] | None = None) -> None:
        if mode not in ("auto", "off"):
            raise ValueError(f"enhancement mode {mode!r} is none of auto, off")
        self._mode = mode
        self._clock = clock or (lambda: 0.0)

    def plan(self, quality: Quality, *, for_recognition: bool = False) -> Plan:
        """Decide by measured numbers alone; equal numbers give equal plans.

        `for_recognition` plans what may be done before a face is recognised: only steps shown to help there.
        """
        if self._mode == "off":
            return _plan_of(dict.fromkeys(STEPS, "enhancement is off"))
        if for_recognition:
            return _plan_of(dict.fromkeys(STEPS, "for viewing only: not shown to help recognition"))
        return _plan_of({"lime": _why_not_lime(quality)})

    def apply(self, image: BgrImage, plan: Plan) -> tuple[BgrImage, Recipe]:
        """Do the steps of `plan`; return the picture and the recipe.

        `image` is not written to; it is what comes back where the plan has no steps.
        """
        require_bgr(image)
        done: list[Step] = []
        for planned in plan.steps:
            kind = _kind_of(planned.name)
            before = pixel_sha256(image) if not done else done[-1].output_sha256
            started = self._clock()
            image = kind.run(image, **planned.params)
            ms = (self._clock() - started) * 1000
            done.append(Step(planned.name, kind.version, dict(planned.params), None, before, pixel_sha256(image), ms))
        return image, Recipe(tuple(done), plan.skipped)


def plan_steps(names: Iterable[str]) -> Plan:
    """The plan that does exactly the named steps, in the order given; raises ImageError for a name there is not."""
    wanted = list(names)
    for name in wanted:
        _kind_of(name)
    steps = tuple(PlannedStep(name, STEPS[name].params) for name in wanted)
    return Plan(steps, tuple(SkippedStep(name, "not asked for") for name in STEPS if name not in wanted))


def replay(image: BgrImage, recipe: Recipe) -> BgrImage:
    """Do a recorded recipe again on the original, which is not written to.

    Raises ImageError where a pixel, a step or a version is not the recorded one.
    """
    require_bgr(image)
    for number, step in enumerate(recipe.steps, start=1):
        kind = _kind_of(step.name)
        where = f"step {number} ({step.name}) of the recipe"
        if kind.version != step.version:
            raise ImageError(
                f"{where} was done by version {step.version}, this program has version {kind.version}: "
                "replay it with the release that made it"
            )
        if pixel_sha256(image) != step.input_sha256:
            raise ImageError(f"{where} began from other pixels than these: pass the original the recipe belongs to")
        try:
            image = kind.run(image, **step.params)
        except TypeError as error:
            raise ImageError(f"{where} can't be done with the parameters recorded: {error}") from None
        if pixel_sha256(image) != step.output_sha256:
            raise ImageError(
                f"{where} gave other pixels than recorded: the recipe was altered, or the arithmetic differs"
            )
    return image


def warm_up() -> None:
    """Compile and load all that the steps need, so that no later call pauses for it."""
    lime.warm_up()


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """JSON-ready form of a recipe."""
    steps = [
        {
            "name": step.name,
            "version": step.version,
            "params": dict(step.params),
            "model_sha256": step.model_sha256,
            "input_sha256": step.input_sha256,
            "output_sha256": step.output_sha256,
            "ms": step.ms,
        }
        for step in recipe.steps
    ]
    skipped = [{"name": step.name, "reason": step.reason} for step in recipe.skipped]
    return {"purpose": PURPOSE, "steps": steps, "skipped": skipped}


def recipe_from_json(value: Mapping[str, Any]) -> Recipe:
    """The recipe of `recipe_to_json`; keys it did not write are left alone. Raises ImageError for anything else."""
    try:
        steps = tuple(
            Step(
                name=str(step["name"]),
                version=int(step["version"]),
                params=dict(step["params"]),
                model_sha256=None if step["model_sha256"] is None else str(step["model_sha256"]),
                input_sha256=str(step["input_sha256"]),
                output_sha256=str(step["output_sha256"]),
                ms=float(step.get("ms", 0.0)),
            )
            for step in value["steps"]
        )
        skipped = tuple(SkippedStep(str(step["name"]), str(step["reason"])) for step in value["skipped"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ImageError(f"this is no recipe ({error!r}): pass the recipe of a hit or of edge enhance") from None
    return Recipe(steps, skipped)


def _plan_of(refusals: Mapping[str, str | None]) -> Plan:
    """The steps without a reason against them, in their fixed order, and the others with their reasons."""
    return Plan(
        tuple(PlannedStep(name, kind.params) for name, kind in STEPS.items() if refusals[name] is None),
        tuple(SkippedStep(name, reason) for name in STEPS if (reason := refusals[name]) is not None),
    )


def _why_not_lime(quality: Quality) -> str | None:
    if quality.luma >= MAX_LUMA:
        return f"luma {quality.luma:.2f} is not below {MAX_LUMA:.2f}"
    return None


def _kind_of(name: str) -> StepKind:
    if name not in STEPS:
        raise ImageError(f"there is no enhancement step {name!r}: choose from {', '.join(STEPS)}")
    return STEPS[name]
