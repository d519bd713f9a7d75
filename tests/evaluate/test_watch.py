"""Measuring the states of a camera: what counts as found, and faults and quiet minutes that are judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edge.errors import ImageError
from edge.evaluate.loops import again, measure_loop
from edge.evaluate.watch import (
    FROZEN_STEP_S,
    NUM_FAULTS,
    FaultResult,
    Footage,
    QuietResult,
    calm,
    faults,
    measure_fault,
    measure_quiet,
    summary,
)
from edge.pixels.scene import injected

RIGHT = FaultResult("yard", "covered", 0, 9.0, 4.0, ("live", "covered", "live"))


def yard() -> Footage:
    rng = np.random.default_rng(1)
    image = np.full((240, 320, 3), 110, np.uint8)
    for x, y, width, height, color in rng.integers((0, 0, 6, 6, 20), (310, 230, 60, 60, 220), (120, 5)):
        image[y : y + height, x : x + width] = color
    return Footage("yard", [image])


def test_what_counts_as_right() -> None:
    assert RIGHT.is_right
    assert not replace(RIGHT, found_s=31.0).is_right
    assert not replace(RIGHT, over_s=None).is_right
    assert not replace(RIGHT, said=("live", "moved", "live", "covered", "live")).is_right


def test_the_summary_counts_late_faults_and_false_states() -> None:
    late = replace(RIGHT, variant=1, found_s=None, said=("live",))
    told = summary([RIGHT, late], [QuietResult("yard", 12.0, 100, ((5.0, "moved"),)), QuietResult("b", 12.0, 100, ())])
    assert (told["recall"], told["false_states_per_day"]) == (0.5, 1.0)
    assert told["faults"]["covered"] == {"cases": 2, "right": 1, "longest_s": 9.0, "longest_over_s": 4.0}
    assert [one["variant"] for one in told["wrong"]] == [1]
    assert [one["footage"] for one in told["false"]] == ["yard"]


@pytest.mark.parametrize("fault", ["covered", "dark"])
def test_a_fault_is_found_and_every_run_says_the_same(fault: str) -> None:
    first = measure_fault(yard(), fault, 0)
    assert first.is_right, first
    assert measure_fault(yard(), fault, 0) == first


@pytest.mark.parametrize(("fault", "variants"), [("covered", (1, 2)), ("moved", (1, 2)), ("frozen", (0, 2))])
def test_each_kind_of_a_fault_comes_and_is_found(
    fault: str, variants: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for name in ("roll", "turn", "snow", "cover", "recode"):
        made = getattr(injected, name)
        monkeypatch.setattr(injected, name, lambda *given, made=made, name=name: (seen.add(name), made(*given))[1])
    found = [measure_fault(yard(), fault, variant) for variant in variants]
    assert all(one.is_right for one in found), found
    assert seen >= {"covered": {"snow", "cover"}, "moved": {"roll", "turn"}, "frozen": {"recode"}}[fault]


def test_a_quiet_minute_says_nothing_and_a_false_state_is_counted() -> None:
    footage, rng = yard(), np.random.default_rng(1)
    assert measure_quiet(footage, calm(footage, 40, FROZEN_STEP_S, rng), FROZEN_STEP_S).false_states == ()
    held = [(number * 1.0, footage.frames[0]) for number in range(20)]
    assert [state for _, state in measure_quiet(footage, held, 1.0).false_states] == ["frozen"]


def test_footage_goes_to_and_fro() -> None:
    frames = [np.full((2, 2, 3), number, np.uint8) for number in range(3)]
    footage = Footage("a", frames, fps=1.0)
    assert [int(footage.at(second)[0, 0, 0]) for second in range(7)] == [0, 1, 2, 1, 0, 1, 2]
    assert len(faults(np.random.default_rng(0))) == NUM_FAULTS


def test_without_footage_it_says_what_to_give() -> None:
    from edge.app.evaluation.watch import watch

    with pytest.raises(ImageError, match="--footage"):
        watch([], None, num_scenes=1, variants=1, quiet_hours=1)


@pytest.mark.parametrize("variant", [0, 1])
def test_a_loop_is_found_coded_anew_with_a_soft_seam_and_exactly_played_again(variant: int) -> None:
    found = measure_loop(yard(), variant)
    assert found.is_right, found
    assert found.said == ("live", "frozen", "live")


def test_a_loop_blends_its_end_into_its_beginning_and_carries_a_clock() -> None:
    recorded = [np.full((40, 60, 3), 60 + number, np.uint8) for number in range(30)]
    rng = np.random.default_rng(1)

    def level(number: int, seam: int) -> float:
        return float(again(recorded, number, seam, rng)[-1, -1, 0])

    assert [level(number, 0) for number in (0, 29, 30, 61)] == [60, 89, 60, 61]
    assert [level(number, 5) for number in (0, 24)] == pytest.approx([60, 84], abs=1)
    assert [level(number, 5) for number in (25, 29, 30)] == pytest.approx([81, 68, 65], abs=1)
    assert np.ptp(again(recorded, 0, 0, rng)) > 100
