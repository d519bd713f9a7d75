"""False match rates by group on embeddings made by hand, against counting pair by pair."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.evaluate.groups import (
    Label,
    Rate,
    group_names,
    measure_all,
    measure_groups,
    most_alike,
    read_label,
    wilson,
)


def at(*degrees: float) -> np.ndarray:
    """Embeddings in a plane, at these angles: their similarity is the cosine of the difference."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def drawn(number: int, seed: int, dim: int = 6) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(number, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_file_names_are_labels() -> None:
    assert read_label("00012_31_1_2") == Label(31, "female", "Asian")
    assert read_label("7_116_0_4") == Label(116, "male", "others")
    for wrong in ("00012_31_1", "00012_31_2_0", "00012_31_0_5", "x_31_0_0", "00012_31_0_0_copy", "0001_1234_0_0"):
        assert read_label(wrong) is None
    bands = [Label(age, "male", "White").band for age in (0, 15, 16, 29, 30, 44, 45, 59, 60, 116)]
    assert bands == ["under 16"] * 2 + ["16-29"] * 2 + ["30-44"] * 2 + ["45-59"] * 2 + ["60+"] * 2
    assert group_names([Label(20, "female", "Black")]) == {
        "sex": ["female"],
        "skin": ["Black"],
        "age": ["16-29"],
        "sex_skin": ["female Black"],
    }


def test_rates_within_and_across_groups_made_by_hand() -> None:
    """Men at 0, 5 and 90 degrees, women at 180, 184, 188 and 94: within 10 degrees of each other is a match."""
    faces, names = at(0, 5, 90, 180, 184, 188, 94), ["male"] * 3 + ["female"] * 4
    found = measure_groups(faces, names, float(np.cos(np.radians(10))), without_face=["female", "female"])
    assert [group.group for group in found.groups] == ["male", "female"]
    men, women = found.groups
    assert (men.within.matches, men.within.pairs, men.num_pictures) == (1, 3, 3)
    assert (women.within.matches, women.within.pairs) == (3, 6)
    assert (women.num_pictures, women.num_without_face) == (6, 2)
    assert (found.within.matches, found.within.pairs) == (4, 9)
    assert (found.across.matches, found.across.pairs) == (1, 12)
    assert found.cross["male", "female"] == found.across
    assert found.cross["male", "male"] == men.within
    assert women.ratio_to_all == pytest.approx((3 / 6) / (5 / 21))
    assert women.ratio_to_mean == pytest.approx((3 / 6) / ((1 / 3 + 3 / 6) / 2))
    told = found.to_dict()
    assert told["groups"][0]["fmr"] == pytest.approx(1 / 3)
    assert [two["groups"] for two in told["cross"]] == [["male", "male"], ["male", "female"], ["female", "female"]]


@settings(deadline=None, max_examples=25)
@given(
    names=st.lists(st.sampled_from(["White", "Black", "Asian", "elsewhere"]), min_size=2, max_size=40),
    seed=st.integers(0, 1000),
    limit=st.floats(-0.5, 0.9),
)
def test_counts_are_those_of_counting_pair_by_pair(names: list[str], seed: int, limit: float) -> None:
    faces = drawn(len(names), seed)
    pairs = [(a, b, float(faces[a] @ faces[b]) >= limit) for a, b in combinations(range(len(names)), 2)]
    found = measure_groups(faces, names, limit)
    for (first, second), rate in found.cross.items():
        here = [matched for a, b, matched in pairs if {names[a], names[b]} == {first, second}]
        assert (rate.matches, rate.pairs) == (sum(here), len(here))
    total = measure_all(faces, limit)
    assert (total.matches, total.pairs) == (sum(matched for *_, matched in pairs), len(pairs))
    assert found.within.matches + found.across.matches == total.matches
    assert found.within.pairs + found.across.pairs == total.pairs
    assert sum(group.num_pictures for group in found.groups) == len(names)


def test_many_pictures_are_counted_across_blocks() -> None:
    faces = drawn(1100, 3)
    expected = int(np.triu(faces @ faces.T >= 0.8, 1).sum())
    found = measure_groups(faces, ["male", "female"] * 550, 0.8)
    assert measure_all(faces, 0.8).matches == expected == found.within.matches + found.across.matches
    similarities = faces @ faces.T
    best = np.sort(similarities[np.triu_indices(len(faces), 1)])[::-1][:5]
    alike = most_alike(faces, 5)
    assert [similarity for *_, similarity in alike] == pytest.approx(best)
    assert all(a < b and float(faces[a] @ faces[b]) == pytest.approx(s, abs=1e-6) for a, b, s in alike)
    assert len(most_alike(faces[:3], 5)) == 3, "three pictures are three pairs"


def test_wilson_bounds_are_the_published_ones() -> None:
    """Newcombe (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for matches, number, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert wilson(matches / number, number) == pytest.approx((low, high), abs=1e-4)
    assert wilson(1 / 29, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


@given(share=st.floats(0, 1), number=st.floats(1, 1e7))
def test_bounds_hold_the_share(share: float, number: float) -> None:
    low, high = wilson(share, number)
    assert 0 <= low <= share <= high <= 1


def test_pairs_of_one_face_that_matches_everybody_are_worth_less() -> None:
    """Ten matches of a hundred pictures: apart, and all with one picture."""
    pairs = np.full(100, 99)
    apart, one = np.zeros(100, np.int64), np.zeros(100, np.int64)
    apart[:20] = 1
    one[0], one[1:11] = 10, 1
    first, second = Rate.of(apart, pairs), Rate.of(one, pairs)
    assert first.matches == second.matches == 10
    assert first.pairs == second.pairs == 4950
    assert (first.low, first.high) == pytest.approx(wilson(10 / 4950, 4950))
    assert second.low < first.low  # type: ignore[operator]
    assert second.high > first.high  # type: ignore[operator]


def test_bounds_cover_the_truth_when_some_faces_are_common() -> None:
    """200 drawn sets of people of whom some match often: ours hold the true rate in 186, plain bounds in 162."""
    rng = np.random.default_rng(0)
    truth, held, plain = (0.25 * 0.2) ** 2, 0, 0
    for _ in range(200):
        commonness = np.where(rng.random(120) < 0.25, 0.2, 0.0)
        upper = np.triu(rng.random((120, 120)) < np.outer(commonness, commonness), 1)
        counts = (upper | upper.T).sum(axis=1)
        rate = Rate.of(counts, np.full(120, 119))
        low, high = wilson(rate.fmr or 0.0, rate.pairs)
        held += (rate.low or 0.0) <= truth <= (rate.high or 1.0)
        plain += low <= truth <= high
    assert held >= 180
    assert plain < held


def test_pairs_taken_for_one_person_are_neither_matches_nor_pairs() -> None:
    faces, names = at(0, 0.5, 5, 180, 185), ["male"] * 3 + ["female"] * 2
    limit, same = (float(np.cos(np.radians(angle))) for angle in (10, 1))
    found = measure_groups(faces, names, limit, same)
    men, women = found.groups
    assert (men.within.matches, men.within.pairs) == (2, 2)
    assert (women.within.matches, women.within.pairs) == (1, 1)
    assert found.across.pairs == 6
    total = measure_all(faces, limit, same)
    assert (total.matches, total.pairs) == (3, 9)
    assert measure_all(faces, limit, limit).matches == measure_all(faces, limit, -0.5).matches == 0
    assert measure_all(faces, limit, limit).pairs == 6, "what would match is left out"


def test_no_pairs_give_no_rate() -> None:
    found = measure_groups(at(0, 1), ["male", "female"], 0.5, without_face=["male"])
    assert found.groups[0].within == Rate(0, 0, None, None, None)
    assert found.groups[0].ratio_to_all is None
    assert found.across.matches == 1
    assert measure_all(at(0), 0.5).fmr is None
