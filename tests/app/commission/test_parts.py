"""What the acceptance walk is made of: distances, the choice of the walker, and the answer in a sentence."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.app.commission.distances import Marks, Pinhole
from edge.app.commission.findings import DistanceResult, judge_walk, sentence
from edge.app.commission.walk import Sighting, walker_sightings
from edge.config import RecogniseConfig
from edge.errors import ImageError
from edge.pipeline import ActiveList
from edge.records import Person, Reference

# distances


def test_marks_are_walked_between_or_stood_on() -> None:
    walking = Marks.parse("10=2,0=8")
    assert walking.at(5, 0, 0) == pytest.approx(5)
    assert walking.at(10, 0, 0) == 2
    assert walking.at(-1, 0, 0) is None
    assert walking.at(11, 0, 0) is None, "after the last mark nobody knows"
    standing = Marks.parse("0=8,10=6", steps=True)
    assert [standing.at(at, 0, 0) for at in (0, 9.9, 10, 99)] == [8, 8, 6, 6]
    for text in ("", "3", "0=8,x=2", "0=-1", "0=nan", "0=1=2"):
        with pytest.raises(ImageError, match="are not marks"):
            Marks.parse(text)


def test_the_pinhole_model_knows_a_face_at_two_metres() -> None:
    lens = Pinhole.of(1280, hfov_deg=90)
    assert lens.focal_px == pytest.approx(640)
    assert lens.at(0, 640 * 0.063 / 2, 0) == pytest.approx(2)
    assert lens.at(0, 640 * 0.063 / 2 * np.cos(np.radians(30)), 30) == pytest.approx(2), "a turned head is not farther"
    assert lens.at(0, 20, 80) is None
    assert lens.at(0, 0, 0) is None
    assert (lens.is_assumed, Pinhole.of(640).is_assumed, Pinhole.of(640, focal_px=900).hfov_deg) == (False, True, None)
    with pytest.raises(ImageError, match="field of view"):
        Pinhole.of(640, hfov_deg=200)


@given(focal=st.floats(100, 5000), metres=st.floats(0.3, 30), yaw=st.floats(-45, 45))
def test_the_pinhole_model_is_the_inverse_of_projection(focal: float, metres: float, yaw: float) -> None:
    eye_px = focal * 0.063 / metres * np.cos(np.radians(yaw))
    found = Pinhole(focal, "").at(0, float(eye_px), yaw)
    assert found is None if eye_px < 1 else found == pytest.approx(metres, rel=1e-6)


# findings


def row(light: str, metres: int, *, ok: bool, is_judged: bool = True) -> DistanceResult:
    return DistanceResult(light, f"{metres} m", metres, 9, 1.0, 30.0, 0.6, 0.4, 0.7, 0.7, ok, "", is_judged)


@pytest.mark.parametrize(
    ("day", "night", "told"),
    [
        ("11110", "1100", "Recognises at 2 to 5 m, not beyond 6; at night at 2 to 3 m, not beyond 4."),
        ("111", "", "Recognises at 2 to 4 m (further was not walked); at night it was not measured."),
        ("01100", "00", "Recognises at 3 to 4 m, not beyond 5; at night not at all."),
        ("10", "", "Recognises at 2 m, not beyond 3; at night it was not measured."),
        ("1011", "", "Recognises at 2 m, not beyond 3; at night it was not measured."),
        ("00", "", "Does not recognise the walker by day; at night it was not measured."),
        ("", "10", "At night at 2 m, not beyond 3."),
        ("ss", "", "By day too little was measured to judge; at night it was not measured."),
        ("s110", "s", "Recognises at 3 to 4 m, not beyond 5; at night too little was measured to judge."),
        ("", "", "No walk was measured."),
    ],
)
def test_the_answer_in_a_sentence(day: str, night: str, told: str) -> None:
    rows = [
        row(light, 2 + n, ok=c == "1", is_judged=c != "s")
        for light, text in (("day", day), ("night", night))
        for n, c in enumerate(text)
    ]
    assert sentence(rows) == told


def sighting(track: int, at_s: float, similarity: float, x: float = 0.0, **changes: object) -> Sighting:
    vector = np.eye(128, dtype=np.float32)[0]
    made = Sighting(
        track, (x, 0, x + 40, 40), at_s, "day", 3.0, "left", 30, 0.6, 0.4, 80, True, False, similarity, vector
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "is_usable", "is_judged", "why"),
    [
        (0.2, True, False, "too short: time for 2 of 4 shots"),
        (2.0, True, True, "recognised"),
        (2.0, False, True, "0 of 4 good shots"),
    ],
)
def test_who_stands_there_too_shortly_is_not_judged(seconds: float, is_usable: bool, is_judged: bool, why: str) -> None:
    seen = [sighting(1, n / 25, 0.9, is_usable=is_usable) for n in range(round(seconds * 25))]
    vector = np.eye(128, dtype=np.float32)[0]
    reference = Reference("r", "walker", "0" * 64, vector, "m", {}, "test")
    listed = ActiveList.of([Person("walker", "Ann", "missing")], [reference], 1, "d")
    (found,) = judge_walk(seen, "walker", listed, RecogniseConfig()).rows
    assert (found.is_judged, found.why) == (is_judged, why)


def test_only_the_walker_is_measured() -> None:
    walker = [sighting(1, at / 10, 0.1 if at < 5 else 0.6, x=at * 20) for at in range(20)]
    wheel = [sighting(2, 0.5, 0.05, x=500), sighting(2, 0.6, 0.05, x=500)]
    wheel_alone = [sighting(3, 9.0, 0.02, x=505)]
    unknown = [sighting(4, 12.0, 0.1, x=100)]
    kept = {(one.track, one.at_s) for one in walker_sightings([*walker, *wheel, *wheel_alone, *unknown])}
    assert {track for track, _ in kept} == {1, 4}, "not the wheel, neither beside the walker nor by itself"
    assert (1, 0.0) in kept, "the walker counts also where unlike"
    assert walker_sightings([]) == []
