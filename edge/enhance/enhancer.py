"""Carries out plans and repeats recorded recipes. The input picture is never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edge.arrays import BgrImage, require_bgr
from edge.enhance.benefit import Benefit
from edge.enhance.budget import Budget
from edge.enhance.faults import grade
from edge.enhance.kernels import KernelLoader
from edge.enhance.networks import Networks
from edge.enhance.planner import Plan, PlannedStep, plan_for_view, plan_of, refusals_for_recognition
from edge.enhance.steps import STEPS, kind_of
from edge.enhance.view import Views
from edge.errors import ImageError
from edge.pixels.hashing import pixel_sha256
from edge.pixels.light import lime
from edge.pixels.tiles import Progress
from edge.recipes import Recipe, SkippedStep, Step
from edge.records import Quality


class Enhancer:
    """Plans by measured faults and carries plans out.

    `clock` gives seconds; without one, recipes say 0 ms and so are the same on every run. Without `networks` there are
    no learned steps, without `benefit` nothing is done for recognition, without `views` nothing for eyes. `generative`
    lets plans for eyes draw detail.
    """

    def __init__(
        self,
        mode: str = "auto",
        clock: Callable[[], float] | None = None,
        *,
        networks: Networks | None = None,
        benefit: Benefit | None = None,
        views: Views | None = None,
        generative: bool = False,
    ) -> None:
        if mode not in ("auto", "off"):
            raise ValueError(f"enhancement mode {mode!r} is none of auto, off")
        self._mode = mode
        self._clock = clock or (lambda: 0.0)
        self.networks = networks or Networks()
        self.benefit = benefit or Benefit()
        self.views = views or Views()
        self._generative = generative
        self.budget: Budget | None = None
        """Set in live work only."""
        self.kernels: KernelLoader | None = None
        """What loads the kernels once they are needed, in live work; without it whoever needs them waits."""

    @property
    def helps_recognition(self) -> bool:
        """Whether there is any step that may be done before a face is recognised."""
        return self._mode == "auto" and self.benefit.problem is None and bool(self.benefit.shown)

    def begin_frame(self) -> None:
        """Start a new frame, which has the whole budget again."""
        if self.budget is not None:
            self.budget.begin_frame()

    def plan(self, quality: Quality, *, for_recognition: bool = False, num_pixels: int | None = None) -> Plan:
        """Decide by measured numbers alone; equal numbers give equal plans.

        `for_recognition` plans what may be done before a face is recognised: only steps shown to help there. With
        `num_pixels` live work leaves out what its budget does not allow.
        """
        if self._mode == "off":
            return plan_of(dict.fromkeys(STEPS, "enhancement is off"), {})
        if self.kernels is not None and self._may_brighten(quality):
            self.kernels.start()  # long before a hit is drawn up: a track gives its shots first
        own: Mapping[str, Mapping[str, Any]] = {}
        if for_recognition:
            refusals = refusals_for_recognition(quality, self.benefit)
        else:
            refusals, own = plan_for_view(quality, self.views, generative=self._generative)
        planned = [name for name in STEPS if refusals[name] is None]
        for name in planned:
            if STEPS[name].learned and self.networks.default_of(name) is None:
                refusals[name] = "the model pack has no model for it"
        if self.budget is not None and num_pixels is not None:
            refusals.update(self.budget.trim([name for name in planned if refusals[name] is None], num_pixels))
        missing = [name for name in planned if refusals[name] is not None and name in own]
        for name in planned:
            if refusals[name] is None and missing and name in own:
                refusals[name] = f"helps together with {' and '.join(missing)} only"
        return plan_of(refusals, {name: self._params(name, own.get(name)) for name in STEPS if refusals[name] is None})

    def apply(self, image: BgrImage, plan: Plan, progress: Progress | None = None) -> tuple[BgrImage, Recipe]:
        """Do the steps of `plan`; return the picture and the recipe.

        `image` is not written to; it is what comes back where the plan has no steps.
        """
        require_bgr(image)
        done: list[Step] = []
        for planned in plan.steps:
            kind = kind_of(planned.name)
            params = dict(planned.params) if "tile_px" in planned.params else self._params(planned.name, planned.params)
            before = pixel_sha256(image) if not done else done[-1].output_sha256
            num_pixels = image.shape[0] * image.shape[1]
            if self.kernels is not None and not kind.learned:
                self.kernels.wait()  # before the clock: the budget counts what a step takes each time
            started = self._clock()
            image = run_step(image, planned.name, params, self.networks, progress)
            ms = (self._clock() - started) * 1000
            if self.budget is not None:
                self.budget.note(planned.name, ms, num_pixels)
            sha256, provider = self._model_of(planned.name, params)
            after = pixel_sha256(image)
            done.append(Step(planned.name, kind.version, params, sha256, before, after, ms, kind.generative, provider))
        return image, Recipe(tuple(done), plan.skipped)

    def _may_brighten(self, quality: Quality) -> bool:
        """Whether a face with these faults is brightened for eyes."""
        levels = grade(quality)
        return levels["dark"] > 0 and any(step.name == "lime" for step in self.views.steps_for(levels))

    def _params(self, name: str, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return all parameters that a step's pixels depend on."""
        kind = kind_of(name)
        if not kind.learned:
            return {**kind.params, **(given or {})}
        model = str((given or {}).get("model") or self.networks.default_of(name) or "default")
        network = self.networks.get(name, model)
        return {"model": network.session.info.name, **network.tiling()}

    def _model_of(self, name: str, params: Mapping[str, Any]) -> tuple[str | None, str | None]:
        if not kind_of(name).learned:
            return None, None
        session = self.networks.get(name, str(params["model"])).session
        return session.sha256, session.provider


def run_step(
    image: BgrImage, name: str, params: Mapping[str, Any], networks: Networks, progress: Progress | None = None
) -> BgrImage:
    """One step on a picture; a new array."""
    kind = kind_of(name)
    if not kind.learned:
        return lime.enhance_lowlight(image, **params)
    return networks.get(name, str(params["model"])).run(image, kind.factor, params, progress)


def plan_steps(names: Iterable[str]) -> Plan:
    """The plan that does exactly the named steps, in the order given; raises ImageError for a name there is not.

    `sr2:NAME` does a step with another model of the pack than its default one.
    """
    steps = []
    for text in names:
        name, _, model = text.partition(":")
        kind = kind_of(name)
        steps.append(PlannedStep(name, kind.params if not kind.learned else {"model": model} if model else {}))
    wanted = {step.name for step in steps}
    return Plan(tuple(steps), tuple(SkippedStep(name, "not asked for") for name in STEPS if name not in wanted))


@dataclass(frozen=True, slots=True)
class Replayed:
    """A repeated recipe: the picture, and for each step whether its pixels equal the recorded ones."""

    image: BgrImage
    same: tuple[bool, ...]
    problem: str | None = None
    """Where pixels first differed."""


def replay(image: BgrImage, recipe: Recipe, networks: Networks | None = None) -> BgrImage:
    """Do a recorded recipe again on the original, which is not written to.

    Raises ImageError where a pixel, a step, a model or a version is not the recorded one.
    """
    done = redo(image, recipe, networks)
    if done.problem is not None:
        raise ImageError(done.problem)
    return done.image


def redo(image: BgrImage, recipe: Recipe, networks: Networks | None = None) -> Replayed:
    """Like `replay`, but goes on where a step's pixels differ from the recorded ones: another provider may round so.

    Raises ImageError where the original, a step, a model or a version is not the recorded one.
    """
    require_bgr(image)
    known = networks or Networks()
    same: list[bool] = []
    problem = None
    for number, step in enumerate(recipe.steps, start=1):
        where = f"step {number} ({step.name}) of the recipe"
        _require_same_program(step, where, known)
        if problem is None and pixel_sha256(image) != step.input_sha256:
            raise ImageError(f"{where} started from other pixels than these: pass the original the recipe belongs to")
        try:
            image = run_step(image, step.name, step.params, known)
        except (TypeError, KeyError) as error:
            raise ImageError(f"{where} can't be done with the parameters recorded: {error}") from None
        same.append(pixel_sha256(image) == step.output_sha256)
        if not same[-1] and problem is None:
            problem = f"{where} gave other pixels than recorded: the recipe was altered, or the arithmetic differs"
    return Replayed(image, tuple(same), problem)


def _require_same_program(step: Step, where: str, networks: Networks) -> None:
    kind = kind_of(step.name)
    if kind.version != step.version:
        raise ImageError(
            f"{where} was done by version {step.version}, this program has version {kind.version}: "
            "replay it with the release that made it"
        )
    if not kind.learned:
        return
    if "model" not in step.params:
        raise ImageError(f"{where} can't be done with the parameters recorded: it names no model")
    found = networks.get(step.name, str(step.params["model"])).session.sha256
    if found != step.model_sha256:
        raise ImageError(
            f"{where} was done by the model {str(step.model_sha256)[:12]}, the pack has {found[:12]}: "
            "replay it with the pack that made it"
        )
