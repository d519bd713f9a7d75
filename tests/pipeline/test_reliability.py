"""The weight of a shot."""

from __future__ import annotations

from edge.pipeline import reliability


def test_better_shots_weigh_more() -> None:
    weights = [reliability.weight(score) for score in range(0, 101, 10)]
    assert weights == sorted(weights)
    assert weights[-1] > 2 * weights[0]
