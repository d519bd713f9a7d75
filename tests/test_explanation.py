"""Why a hit is a hit: gates against limits, and the change that flips it."""

from __future__ import annotations

import dataclasses

from edge import explanation
from edge.records import Hit
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.words import Words
from tests.support.store import ANN, hit_of

GATES = [
    {"gate": "shots", "value": 10, "limit": 4},
    {"gate": "similarity", "value": 0.62, "limit": 0.4},
    {"gate": "margin", "value": 0.1, "limit": 0.06},
    {"gate": "quality", "value": 80.0, "limit": 5.0},
]
DECISION = {"kind": "color", "limits": "calibration", "timing": "regular", "gates": GATES}


def decided(**changes: object) -> Hit:
    return dataclasses.replace(hit_of(ANN, 1)[0], decision={**DECISION, **changes})


def test_each_gate_is_told_and_the_nearest_named() -> None:
    hit = decided()
    told = explanation.explain(hit)
    assert told.nearest is not None
    assert told.nearest.name == "margin"
    text = "\n".join(explanation.lines(hit))
    assert "similarity: 0.620, needs 0.400: passed" in text
    assert "nearest to unknown: margin, by 0.040" in text
    assert "a similarity 0.220 lower, or a min_similarity above 0.620" in text
    assert "a number of good pictures 7 lower, or min_shots above 10" in text
    assert "limits: from the calibration, for color pictures; the answer was regular" in text


def test_a_gate_that_was_not_needed_flips_nothing() -> None:
    hit = decided(timing="early", gates=[{"gate": "shots", "value": 2, "limit": 4}])
    assert explanation.lines(hit)[0] == "shots: 2, needs 4: not needed"
    assert explanation.flip(explanation.explain(hit).gates[0]) is None


def test_a_hit_of_an_older_version_says_so() -> None:
    assert "older version" in explanation.lines(decided(gates=[]))[0]


def test_the_page_tells_the_same_as_the_command() -> None:
    rows = Words(Translate("en")).gate_rows(decided())
    assert [row["flip"] for row in rows] == [explanation.flip(gate) for gate in explanation.explain(decided()).gates]
    german = Words(Translate("de")).gate_rows(decided())
    assert all(row["flip"] for row in german)
