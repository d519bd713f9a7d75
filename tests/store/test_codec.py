"""Records to JSON and back."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from edge.store import hit_from_json, hit_to_json, time_from_text, time_to_text, to_line
from tests.support.store import BOB, hit_of


def test_json_round_trip_keeps_everything_and_the_order_of_keys() -> None:
    hit, _ = hit_of(BOB, 3, runner_up="ann-1")
    body = hit_to_json(hit)
    assert hit_from_json(json.loads(to_line(body))) == hit
    assert list(body)[:6] == ["hit_id", "person", "camera", "visit", "similarity", "margin"]
    assert body["visit"]["first"] == "2026-03-04T05:06:07.089Z"


def test_times_are_utc_milliseconds_and_sort_as_text() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    assert time_to_text(dt.datetime(2026, 1, 1, 1, 0, 0, 999_999, tzinfo=zone)) == "2025-12-31T23:00:00.999Z"
    assert time_from_text("2025-12-31T23:00:00.999Z") == dt.datetime(2025, 12, 31, 23, 0, 0, 999_000, tzinfo=dt.UTC)
    with pytest.raises(ValueError, match="no zone"):
        time_to_text(dt.datetime(2026, 1, 1))
