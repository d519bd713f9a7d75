"""A strained device enhances less, and metrics count the dropped steps by cause."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from edge.app.health.budget import count_dropped_steps, lowered, set_strains
from edge.app.health.lowering import Lowering
from edge.config import RuntimeConfig
from edge.enhance import STEPS, Budget, Enhancer, Networks, Views
from edge.enhance.faults import FAULTS
from edge.enhance.view import Choice, ChosenStep
from edge.ops.system.metrics import Metrics
from edge.pipeline.pace import Pace
from edge.records import Quality
from edge.sessions import Pack
from tests.support.models.tiny_pictures import picture_pack

POOR = Quality(0.3, 0.1, 0.03, 0.0, 50.0, 20.0, {})
"""Noisy, dark and blurred: calls for every step but enlarging."""
PIXELS = 100_000


def known(budget: Budget, ms: float = 10.0) -> Budget:
    for name in STEPS:
        budget.note(name, ms, PIXELS)
    return budget


def test_strain_leaves_less_and_is_the_cause() -> None:
    budget = known(Budget(100.0))
    for state, expected, cause in (("behind", 2, "behind"), ("throttled", 1, "hot")):
        subject = "load" if state == "behind" else "heat"
        set_strains(budget, lambda asked, subject=subject, state=state: state if asked == subject else "ok")  # type: ignore[misc]
        budget.begin_frame()
        assert len(STEPS) - len(budget.trim(STEPS, PIXELS)) == expected
        assert budget.dropped[("sr4", cause)] == 1
    set_strains(budget, lambda asked: "ok")
    budget.begin_frame()
    assert not budget.trim(STEPS, PIXELS)
    set_strains(None, lambda asked: "hot")


def test_plans_name_what_was_dropped_and_metrics_count_it(tmp_path: Path) -> None:
    networks = Networks(Pack.open(picture_pack(tmp_path)), RuntimeConfig(threads=1))
    always: dict[str, tuple[int, int]] = dict.fromkeys(FAULTS, (0, 5))
    steps = tuple(ChosenStep(name=name) for name in ("denoise", "lime", "deblur"))
    every = Choice(steps=steps, levels=always, psnr_db=4.0, likeness=0.0, num_faces=30)
    enhancer = Enhancer("auto", networks=networks, views=Views((every,), None))
    everything = [step.name for step in enhancer.plan(POOR, num_pixels=PIXELS).steps]
    assert everything == ["denoise", "lime", "deblur"]
    enhancer.budget = known(Budget(15.0))
    enhancer.begin_frame()
    plan = enhancer.plan(POOR, num_pixels=PIXELS)
    assert plan.steps == (), "denoise alone was not shown to help"
    assert {step.name for step in plan.skipped if step.reason.startswith("dropped")} == {"lime", "deblur"}
    metrics = Metrics()
    count_dropped_steps(enhancer.budget, metrics)
    found = {
        (sample.labels["step"], sample.labels["cause"]): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if family.name == "edge_enhance_steps_dropped"
    }
    assert found == {("lime", "busy"): 1.0, ("deblur", "busy"): 1.0}
    count_dropped_steps(None, metrics)


def test_searches_are_lowered_where_nothing_moves_before_where_something_does() -> None:
    pace = Pace(2.0, 10.0, 1.1)
    found = [lowered(pace, step) for step in Lowering]
    assert [(one.idle_fps, one.busy_fps) for one in found] == [(2, 10), (2, 10), (1, 10), (1, 5)]
    assert all(one.min_gain == pace.min_gain for one in found), "what is kept of a face stays as it is"
    assert lowered(Pace(), Lowering.RATE) == Pace(), "every frame stays every frame"
