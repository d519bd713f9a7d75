"""What a box gives up while it is hot or behind: one step after the other, as far as its state calls for, and back."""

from __future__ import annotations

import pytest

from edge.app.health.budget import last_step, lowered
from edge.app.health.lowering import BACK_AFTER_S, NEXT_AFTER_S, Lowering, LoweringOrder
from edge.config import DetectConfig
from edge.pipeline.pace import Pace


def run(order: LoweringOrder, said: dict[str, str], start_s: float, seconds: float) -> list[Lowering]:
    """The steps that were in force, one after the other, over that time."""
    steps: list[Lowering] = []
    for tenth in range(int(seconds * 10) + 1):
        order.update(lambda subject: said.get(subject, "ok"), start_s + tenth / 10)
        if not steps or steps[-1] is not order.step:
            steps.append(order.step)
    return steps


@pytest.mark.parametrize(
    ("said", "steps"),
    [
        ({}, [Lowering.NONE]),
        ({"load": "behind"}, [Lowering.VIEW, Lowering.IDLE]),
        ({"heat": "hot"}, [Lowering.VIEW, Lowering.IDLE]),
        ({"load": "overloaded"}, [Lowering.VIEW, Lowering.IDLE, Lowering.RATE]),
        ({"load": "behind", "heat": "throttled"}, [Lowering.VIEW, Lowering.IDLE, Lowering.RATE]),
        ({"disk": "full"}, [Lowering.NONE]),
    ],
)
def test_it_goes_as_far_as_the_state_calls_for_in_order(said: dict[str, str], steps: list[Lowering]) -> None:
    assert run(LoweringOrder(), said, 0, 300) == steps


@pytest.mark.parametrize(
    ("idle_fps", "busy_fps", "steps"),
    [
        (2.0, 10.0, [Lowering.VIEW, Lowering.IDLE, Lowering.RATE]),
        (2.0, 0.0, [Lowering.VIEW, Lowering.IDLE]),
        (0.0, 10.0, [Lowering.VIEW]),
        (0.0, 0.0, [Lowering.VIEW]),
    ],
)
def test_no_step_is_told_that_gives_up_nothing(idle_fps: float, busy_fps: float, steps: list[Lowering]) -> None:
    """Where every frame is searched, searches are not halved: the page must not say that they are."""
    configured = DetectConfig(idle_fps=idle_fps, busy_fps=busy_fps)
    order = LoweringOrder(last_step(configured))
    assert run(order, {"load": "overloaded"}, 0, 300) == steps
    assert len({lowered(Pace.of(configured), step) for step in steps}) == len(steps), "each but the view searches less"
    assert run(order, {}, 301, 4 * BACK_AFTER_S)[-1] is Lowering.NONE


def test_the_view_goes_at_once_and_each_step_has_time_to_help() -> None:
    order = LoweringOrder()
    assert run(order, {"load": "overloaded"}, 0, NEXT_AFTER_S - 0.2) == [Lowering.VIEW]
    assert run(order, {"load": "overloaded"}, NEXT_AFTER_S, NEXT_AFTER_S - 0.2) == [Lowering.IDLE]


def test_steps_are_taken_back_one_by_one_and_late() -> None:
    order = LoweringOrder()
    run(order, {"load": "overloaded"}, 0, 60)
    assert run(order, {}, 60.1, BACK_AFTER_S - 0.2) == [Lowering.RATE]
    assert (
        run(order, {}, 60 + BACK_AFTER_S, 3 * BACK_AFTER_S)
        == [Lowering.RATE, Lowering.IDLE, Lowering.VIEW, Lowering.NONE][1:]
    )


def test_a_box_that_is_well_for_a_moment_does_not_flap() -> None:
    order = LoweringOrder()
    run(order, {"load": "behind"}, 0, 60)
    for number in range(5):
        assert run(order, {}, 61 + 20 * number, 9) == [Lowering.IDLE]
        assert run(order, {"load": "behind"}, 71 + 20 * number, 9) == [Lowering.IDLE]


def test_what_is_said_names_step_and_cause() -> None:
    order = LoweringOrder()
    assert order.update(lambda subject: "ok", 0) == ("ok", "nothing is given up")
    state, said = order.update(lambda subject: "hot" if subject == "heat" else "ok", 1)
    assert state == "view"
    assert "lightened view is off" in said
    assert "alerts" not in said, "the page says beside it that they are sent"
    assert "it is hot" in said
