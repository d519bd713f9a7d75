"""The measuring tools of the web side do run; what they find is no matter of a test."""

from __future__ import annotations

import shutil

import pytest

from tools.load import polls


def test_polls_without_news_are_counted_beside_a_trivial_handler() -> None:
    for needed in ("wrk", "taskset"):
        if shutil.which(needed) is None:
            pytest.skip(f"needs {needed} (apt)")
    found = polls.measure(seconds=1, rounds=1, connections=4)
    assert set(found) >= {"polls_per_s", "trivial_per_s", "ratio", "ratio_per_core_s"}
    assert all(isinstance(value, int | float) and value > 0 for value in found.values()), found
