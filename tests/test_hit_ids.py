"""Ids of hits: version 7, sorted by time, the same for the same frames, never the same for two drills."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest

from edge.hit_ids import derive_hit_id, draw_hit_id

AT = dt.datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=dt.UTC)
LATER = AT + dt.timedelta(milliseconds=1)


@pytest.mark.parametrize("hit_id", [derive_hit_id(AT, "box", "door", "p"), draw_hit_id(AT)], ids=["derived", "drawn"])
def test_an_id_is_a_uuid_of_version_7_that_begins_with_the_time(hit_id: str) -> None:
    parsed = uuid.UUID(hit_id)
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == int(AT.timestamp() * 1000)
    assert hit_id < derive_hit_id(LATER, "box", "door", "p")
    assert hit_id < draw_hit_id(LATER)


def test_a_derived_id_never_changes() -> None:
    """Stored hits are found again by it: a release that derives another one would raise a second alert for a visit."""
    assert derive_hit_id(AT, "box", "door", "p") == "019ca945-0a7b-7d06-8383-7f2469734f8c"
    assert derive_hit_id(AT, "box", "yard", "p") != derive_hit_id(AT, "box", "door", "p")


def test_two_drawn_ids_of_one_time_differ() -> None:
    assert draw_hit_id(AT) != draw_hit_id(AT)
