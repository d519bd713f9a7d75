"""What a guard is told about false alerts: measured, rounded down, never extrapolated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.watchlist.false_alerts import expected_false_alerts, fmr_at

TAIL = [[0.1, 0.1], [0.2, 0.01], [0.3, 0.001], [0.4, 0.0001]]


def test_without_a_measured_tail_nothing_is_promised() -> None:
    assert expected_false_alerts(0.4, 10, None) == "not calibrated"
    assert expected_false_alerts(0.4, 10, []) == "not calibrated"


@pytest.mark.parametrize(
    ("similarity", "people", "expected"),
    [
        (0.3, 1, "about 1 in 1,000 faces at this setting, list of 1"),
        (0.3, 10, "about 1 in 100 faces at this setting, list of 10"),
        (0.35, 1, "about 1 in 3,100 faces at this setting, list of 1"),
        (0.4, 3, "about 1 in 3,300 faces at this setting, list of 3"),
        (0.9, 1, "fewer than 1 in 10,000 faces at this setting, list of 1"),
        (0.0, 5, "about 1 in 1 faces at this setting, list of 5"),
        (0.3, 0, "none, list of 0"),
    ],
)
def test_the_sentence_tells_a_bound_only_beyond_what_was_measured(
    similarity: float, people: int, expected: str
) -> None:
    assert expected_false_alerts(similarity, people, TAIL) == expected


@given(a=st.floats(-1, 1), b=st.floats(-1, 1))
def test_a_higher_similarity_never_costs_more(a: float, b: float) -> None:
    low, high = fmr_at(min(a, b), TAIL), fmr_at(max(a, b), TAIL)
    assert low is not None
    assert high is not None
    assert low[0] >= high[0] - 1e-12
    assert 0 < high[0] <= 1
