"""Plans follow measurements, recipes hold what was done, and replaying one gives the same pixels or says why not."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.enhance import STEPS, Enhancer, Plan, Views, plan_steps, recipe_from_json, recipe_to_json, replay
from edge.enhance.faults import FAULTS
from edge.enhance.view import Choice, ChosenStep
from edge.errors import ImageError
from edge.pixels.hashing import pixel_sha256
from edge.pixels.measures.quality import measure_picture
from edge.recipes import Recipe, SkippedStep, Step
from edge.records import Quality


def quality(luma: float) -> Quality:
    return Quality(0.7, luma, 0.005, 0.0, 30.0, 50.0, {})


@pytest.fixture
def dark() -> np.ndarray:
    ramp = np.linspace(5, 50, 60 * 80 * 3).reshape(60, 80, 3)
    return (ramp + np.random.default_rng(3).uniform(0, 8, ramp.shape)).astype(np.uint8)


def skipped_of(plan: Plan) -> dict[str, str]:
    return {step.name: step.reason for step in plan.skipped}


def choice(*names: str, gamma: float | None = None, **levels: tuple[int, int]) -> Choice:
    own = {} if gamma is None else {"gamma": gamma}
    steps = tuple(ChosenStep(name=name, params=own if name == "lime" else {}) for name in names)
    return Choice(steps=steps, levels=levels, psnr_db=4.0, likeness=0.01, num_faces=30)


ALWAYS = Views((choice("lime", **dict.fromkeys(FAULTS, (0, 5))),), None)
BRIGHTER = Views((choice("lime", gamma=0.4, dark=(4, 5)),), None)


def test_darkness_calls_for_light_where_that_was_shown_to_help() -> None:
    enhancer = Enhancer("auto", views=BRIGHTER)
    plan = enhancer.plan(quality(0.1))
    assert [step.name for step in plan.steps] == ["lime"]
    assert plan.steps[0].params == {**STEPS["lime"].params, "gamma": 0.4}
    for luma, seen in ((0.5, "no fault"), (0.25, "dark at level 2")):
        plan = enhancer.plan(quality(luma))
        assert plan.steps == ()
        assert skipped_of(plan)["lime"] == f"with {seen}: not shown to help the eye"
    assert enhancer.plan(quality(0.1)) == Enhancer("auto", views=BRIGHTER).plan(quality(0.1))


def test_a_second_fault_that_was_not_measured_along_forbids_the_choice() -> None:
    plan = Enhancer("auto", views=BRIGHTER).plan(replace(quality(0.1), noise=0.03))
    assert plan.steps == ()
    assert skipped_of(plan)["lime"] == "with noise at level 2, dark at level 5: not shown to help the eye"


def test_without_a_choice_nothing_is_done_for_eyes() -> None:
    plan = Enhancer("auto").plan(quality(0.1))
    assert plan.steps == ()
    assert skipped_of(plan)["lime"] == "no choice was measured"


def test_steps_that_help_together_are_not_done_alone() -> None:
    views = Views((choice("denoise", "lime", dark=(5, 5)),), None)
    plan = Enhancer("auto", views=views).plan(quality(0.1))
    assert plan.steps == ()
    assert skipped_of(plan)["denoise"] == "the model pack has no model for it"
    assert skipped_of(plan)["lime"] == "helps together with denoise only"


def test_off_plans_nothing_and_says_so() -> None:
    plan = Enhancer("off").plan(quality(0.1))
    assert plan.steps == ()
    assert skipped_of(plan) == dict.fromkeys(STEPS, "enhancement is off")


def test_nothing_is_done_before_recognition_that_is_not_shown_to_help() -> None:
    plan = Enhancer("auto").plan(quality(0.1), for_recognition=True)
    assert plan.steps == ()
    assert skipped_of(plan) == dict.fromkeys(STEPS, "for viewing only: no benefit was measured")


@given(st.floats(0, 1), st.booleans(), st.sampled_from(["auto", "off"]))
def test_every_step_is_either_planned_or_skipped_with_a_reason(luma: float, recognise: bool, mode: str) -> None:
    plan = Enhancer(mode, views=BRIGHTER).plan(quality(luma), for_recognition=recognise)
    names = [step.name for step in plan.steps] + [step.name for step in plan.skipped]
    assert sorted(names) == sorted(STEPS)
    assert all(step.reason for step in plan.skipped)


def test_the_recipe_names_what_was_done(dark: np.ndarray) -> None:
    before = dark.copy()
    ticks = itertools.count(start=10.0, step=0.25)
    enhancer = Enhancer("auto", clock=lambda: next(ticks), views=ALWAYS)
    result, recipe = enhancer.apply(dark, enhancer.plan(measure_picture(dark)))
    assert result.mean() > 2 * dark.mean()
    assert np.array_equal(dark, before)
    (step,) = recipe.steps
    assert (step.name, step.version, step.model_sha256, step.ms) == ("lime", 1, None, 250.0)
    assert step.params == STEPS["lime"].params
    assert (step.input_sha256, step.output_sha256) == (pixel_sha256(dark), pixel_sha256(result))


def test_two_steps_are_chained_by_their_hashes(dark: np.ndarray) -> None:
    result, recipe = Enhancer("auto").apply(dark, plan_steps(["lime", "lime"]))
    first, second = recipe.steps
    assert first.output_sha256 == second.input_sha256
    assert second.output_sha256 == pixel_sha256(result)
    assert np.array_equal(replay(dark, recipe), result)


def test_without_steps_the_picture_comes_back_untouched(dark: np.ndarray) -> None:
    enhancer = Enhancer("off")
    result, recipe = enhancer.apply(dark, enhancer.plan(quality(0.1)))
    assert result is dark
    assert recipe == Recipe((), tuple(SkippedStep(name, "enhancement is off") for name in STEPS))
    assert replay(dark, recipe) is dark


def test_without_a_clock_two_runs_give_one_recipe(dark: np.ndarray) -> None:
    first, second = (Enhancer("auto").apply(dark, plan_steps(["lime"]))[1] for _ in range(2))
    assert first == second
    assert first.steps[0].ms == 0.0


def test_a_frame_that_may_not_be_written_to_is_enhanced_all_the_same(dark: np.ndarray) -> None:
    dark.flags.writeable = False
    result, _ = Enhancer("auto").apply(dark, plan_steps(["lime"]))
    assert result.flags.writeable


def test_replay_gives_the_same_pixels_after_a_way_through_json(dark: np.ndarray) -> None:
    result, recipe = Enhancer("auto").apply(dark, plan_steps(["lime"]))
    stored = {**json.loads(json.dumps(recipe_to_json(recipe))), "input": {"corner": [3, 4]}}
    assert stored["purpose"] == "view"
    assert np.array_equal(replay(dark, recipe_from_json(stored)), result)


def test_replay_refuses_what_is_not_the_same(dark: np.ndarray) -> None:
    _, recipe = Enhancer("auto").apply(dark, plan_steps(["lime"]))
    (step,) = recipe.steps
    other = dark.copy()
    other[0, 0, 0] ^= 1
    with pytest.raises(ImageError, match="other pixels than these"):
        replay(other, recipe)
    with pytest.raises(ImageError, match="other pixels than recorded"):
        replay(dark, Recipe((replace(step, params={**step.params, "gamma": 0.5}),)))
    with pytest.raises(ImageError, match="version 2"):
        replay(dark, Recipe((replace(step, version=2),)))
    with pytest.raises(ImageError, match="no enhancement step 'magic'"):
        replay(dark, Recipe((replace(step, name="magic"),)))
    with pytest.raises(ImageError, match="can't be done"):
        replay(dark, Recipe((replace(step, params={"sharpness": 1}),)))


def test_forced_steps_must_exist() -> None:
    with pytest.raises(ImageError, match="choose from denoise, lime, deblur"):
        plan_steps(["lime", "magic"])
    assert [step.name for step in plan_steps(["lime"]).steps] == ["lime"]
    assert skipped_of(plan_steps([])) == dict.fromkeys(STEPS, "not asked for")


def test_a_wrong_mode_and_a_wrong_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="sometimes"):
        Enhancer("sometimes")
    with pytest.raises(ImageError):
        Enhancer("auto").apply(np.zeros((4, 4), np.uint8), plan_steps(["lime"]))


texts = st.text(max_size=12)
numbers = st.floats(allow_nan=False, allow_infinity=False)
params = st.dictionaries(texts, st.one_of(texts, st.booleans(), st.integers(-(2**40), 2**40), numbers), max_size=4)
steps = st.builds(
    Step,
    name=texts,
    version=st.integers(0, 99),
    params=params,
    model_sha256=st.none() | texts,
    input_sha256=texts,
    output_sha256=texts,
    ms=st.floats(0, 1e6),
    generative=st.booleans(),
    provider=st.none() | texts,
)
skipped = st.builds(SkippedStep, name=texts, reason=texts)
recipes = st.builds(
    Recipe, steps=st.lists(steps, max_size=3).map(tuple), skipped=st.lists(skipped, max_size=3).map(tuple)
)


@given(recipes)
def test_recipes_survive_json(recipe: Recipe) -> None:
    assert recipe_from_json(json.loads(json.dumps(recipe_to_json(recipe)))) == recipe


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"steps": []},
        {"steps": [{}], "skipped": []},
        {"steps": 3, "skipped": []},
        {"steps": ["x"], "skipped": []},
        [],
    ],
)
def test_what_is_no_recipe_is_refused(value: object) -> None:
    with pytest.raises(ImageError, match="no recipe"):
        recipe_from_json(value)  # type: ignore[arg-type]
