"""A stream that falls behind, told from clocks that differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.network.lag import Lag


def behind(rate: float, seconds: int, jitter: tuple[float, ...] = (0.0,)) -> list[float]:
    """What is said each second of a stream whose clock runs `rate` times as fast as ours."""
    lag = Lag()
    return [
        lag.behind_s(1000.0 + second * rate, 50.0 + second + jitter[second % len(jitter)]) for second in range(seconds)
    ]


def test_a_slow_reader_falls_behind_by_what_it_loses() -> None:
    assert behind(0.9, 21)[-1] == pytest.approx(2.0, abs=0.03)
    assert behind(0.5, 5) == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0], abs=0.01)


@given(st.floats(0.9991, 1.01), st.lists(st.floats(0.0, 0.4), min_size=1, max_size=7))
def test_clocks_that_drift_and_networks_that_hesitate_are_no_lag(rate: float, jitter: list[float]) -> None:
    assert max(behind(rate, 3600, tuple(jitter))) <= 0.4 + 1e-6


def test_a_burst_after_a_pause_catches_up() -> None:
    lag = Lag()
    lag.behind_s(0.0, 0.0)
    assert lag.behind_s(1.0, 4.0) == pytest.approx(3.0, abs=0.01)
    assert lag.behind_s(4.0, 4.1) == pytest.approx(0.1, abs=0.01)


def test_a_stream_whose_times_jump_ahead_is_on_time() -> None:
    lag = Lag()
    lag.behind_s(0.0, 0.0)
    assert lag.behind_s(100.0, 1.0) == 0.0
    assert lag.behind_s(101.0, 2.5) == pytest.approx(0.5, abs=0.01)
