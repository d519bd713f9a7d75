"""When time is short, steps are dropped in a fixed order; each is counted with its cause."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.enhance import DROP_ORDER, STEPS, Budget, Enhancer, Views
from edge.enhance.faults import FAULTS
from edge.enhance.view import Choice, ChosenStep
from edge.records import Quality

POOR = Quality(0.3, 0.1, 0.03, 0.0, 50.0, 20.0, {})
"""Noisy, dark and blurred: calls for every step but enlarging."""


PIXELS = 100_000


def known(budget: Budget, ms: float = 10.0) -> Budget:
    for name in STEPS:
        budget.note(name, ms, PIXELS)
    return budget


@pytest.mark.parametrize("kept", range(len(STEPS) + 1))
def test_what_does_not_fit_goes_in_order(kept: int) -> None:
    budget = known(Budget(10.0 * kept + 5))
    budget.begin_frame()
    dropped = budget.trim(STEPS, PIXELS)
    assert tuple(dropped) == DROP_ORDER[: len(STEPS) - kept]
    assert sum(budget.dropped.values()) == len(dropped)
    assert all("busy" in reason and "10 ms expected" in reason for reason in dropped.values())
    assert sorted(DROP_ORDER) == sorted(STEPS)


def test_a_frame_has_one_budget_and_the_next_has_its_own() -> None:
    budget = known(Budget(25.0))
    budget.begin_frame()
    assert not budget.trim(["denoise", "lime"], PIXELS)
    assert list(budget.trim(["denoise"], PIXELS)) == ["denoise"]
    budget.begin_frame()
    assert not budget.trim(["denoise"], PIXELS)


def test_costs_are_learned() -> None:
    budget = Budget(10.0)
    budget.note("deblur", 1000.0, PIXELS)
    budget.begin_frame()
    assert "1000 ms expected" in budget.trim(["deblur"], PIXELS)["deblur"]
    for _ in range(60):
        budget.note("deblur", 1.0, PIXELS)
    budget.begin_frame()
    assert not budget.trim(["deblur"], PIXELS)


def test_a_picture_done_pays_into_the_estimate(tmp_path: Path) -> None:
    ticks = iter(np.arange(0.0, 10.0, 0.05))
    always: dict[str, tuple[int, int]] = dict.fromkeys(FAULTS, (0, 5))
    lime = Choice(steps=(ChosenStep(name="lime"),), levels=always, psnr_db=4.0, likeness=0.0, num_faces=30)
    enhancer = Enhancer("auto", clock=lambda: float(next(ticks)), views=Views((lime,), None))
    enhancer.budget = Budget(60.0)
    enhancer.begin_frame()
    image = np.full((100, 100, 3), 20, np.uint8)
    enhancer.apply(image, enhancer.plan(Quality(0.7, 0.1, 0.0, 0.0, 30.0, 20.0, {}), num_pixels=10_000))
    enhancer.begin_frame()
    assert "50 ms expected" not in str(enhancer.plan(POOR, num_pixels=10_000).skipped)
    enhancer.budget.frame_ms = 40.0
    enhancer.begin_frame()
    assert "50 ms expected" in str(enhancer.plan(POOR, num_pixels=10_000).skipped)
