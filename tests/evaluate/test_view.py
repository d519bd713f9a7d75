"""What is chosen for eyes helps both measures in every degradation of a cell; else nothing is chosen."""

from __future__ import annotations

import numpy as np
import pytest

from edge.enhance.faults import FAULTS
from edge.evaluate import view
from edge.evaluate.view import Seen, cell_of, choose, is_helpful, levels_of, plans_for

NONE = dict.fromkeys(FAULTS, 0)
DARK = cell_of({**NONE, "dark": 3})
LIGHTS = [steps for steps in plans_for(DARK) if steps]


def seen(person: int, degradation: str, *gains: tuple[float, float]) -> Seen:
    """A face of the dark cell: the first brightenings gain so much, the others lose."""
    rest = [(-5.0, -0.1)] * (len(LIGHTS) - len(gains))
    values = [(10.0, 0.8), *((10.0 + psnr, 0.8 + likeness) for psnr, likeness in [*gains, *rest])]
    return Seen(person=str(person), degradation=degradation, cell=DARK, values=tuple(values))


def cell(degradation: str, *gains: tuple[float, float], number: int = 20) -> list[Seen]:
    wobble = np.random.default_rng(0).normal(0, 0.01, number)
    return [seen(one, degradation, *((p + w, c + w / 100) for p, c in gains)) for one, w in enumerate(wobble)]


def test_cells_cover_every_level_once() -> None:
    for fault in FAULTS:
        for level in range(6):
            cell = cell_of({**NONE, fault: level})
            low, high = levels_of(cell).get(fault, (0, 0))
            assert low <= level <= high
            assert set(levels_of(cell)) <= {fault}


def test_only_what_a_fault_calls_for_is_tried() -> None:
    assert plans_for(cell_of(NONE)) == ((),)
    assert plans_for(cell_of({**NONE, "small": 2})) == ((), (("sr2", None),))
    both = plans_for(cell_of({**NONE, "noise": 2, "motion": 1}))
    assert both == ((), (("deblur", None),), (("denoise", None),), (("denoise", None), ("deblur", None)))
    assert len(LIGHTS) == len(view.GAMMAS)


def test_the_largest_gain_is_chosen() -> None:
    (choice,) = choose(cell("dark:3", (3.0, 0.01), (6.0, 0.01), (7.0, -0.02)))
    assert choice.steps[0].name == "lime"
    assert choice.steps[0].params == {"gamma": view.GAMMAS[1]}
    assert choice.levels == {"dark": (3, 3)}
    assert choice.psnr_db == pytest.approx(6.0, abs=0.01)
    assert choice.num_faces == 20


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (cell("dark:3", (3.0, -0.01)), "likeness falls"),
        (cell("dark:3", (-0.5, 0.05)), "PSNR falls"),
        (cell("dark:3", (0.1, 0.0)), "too little to see"),
        (cell("dark:3", (6.0, 0.01)) + cell("cctv:3", (-0.5, 0.01), number=8), "PSNR falls in another degradation"),
        (cell("dark:3", (6.0, 0.01)) + cell("cctv:3", (6.0, -0.01), number=8), "likeness falls in another"),
        (cell("dark:3", (6.0, 0.01), number=view.MIN_FACES - 1), "too few faces"),
        ([seen(0, "dark:3", (6.0 + one % 3, 0.01)) for one in range(20)], "too few people"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_shown_to_help_is_left(rows: list[Seen], why: str) -> None:
    assert choose(rows) == (), why


def test_a_gain_that_may_be_chance_is_none() -> None:
    gains = np.array([[8.0, 0.01], [-7.0, 0.01]] * 10)
    assert gains[:, 0].mean() > view.MIN_GAIN_DB
    assert not is_helpful(gains, np.array(["dark:3"] * 20))
