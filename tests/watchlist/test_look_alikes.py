"""Two people of one list whose pictures look alike are found, however many there are."""

from __future__ import annotations

import numpy as np

from edge.records import Reference
from edge.watchlist.look_alikes import look_alikes


def references(*given: tuple[str, int, float]) -> list[Reference]:
    """One for each person, axis and angle from that axis."""
    made = []
    for number, (person_id, axis, angle) in enumerate(given):
        vector = np.zeros(2000, np.float32)
        vector[[axis, -1]] = np.cos(angle), np.sin(angle)
        made.append(Reference(f"r{number}", person_id, "0" * 64, vector, "e" * 64, {}, "a.png"))
    return made


def test_only_other_people_count_and_only_from_the_limit_on() -> None:
    given = references(("a", 0, 0.0), ("a", 0, 0.1), ("b", 0, 0.5), ("c", 1, 0.0), ("d", 1, 1.0))
    found = [
        (one.reference_id, other.reference_id, round(similarity, 3)) for one, other, similarity in look_alikes(given)
    ]
    assert found == [("r0", "r2", 0.878), ("r1", "r2", 0.921), ("r2", "r1", 0.921)], "c and d: .54"
    assert not list(look_alikes([]))
    assert not list(look_alikes(references(("a", 0, 0.0), ("a", 0, 0.0))))


def test_a_long_list_is_compared_in_parts() -> None:
    people = [(f"p{number}", number, 0.0) for number in range(1100)]
    found = [(one.person_id, other.person_id) for one, other, _ in look_alikes(references(*people, ("twin", 3, 0.1)))]
    assert found == [("p3", "twin"), ("twin", "p3")]
