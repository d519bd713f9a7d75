"""The numbers of the reports, against cases worked out by hand and slow twins."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evaluate.detection import average_precision, match
from edge.evaluate.measures import best_similarity, fold_accuracies, impostor_tail, score_pairs, similarity_at_fmr
from edge.records import Detections
from edge.watchlist.false_alerts import fmr_at


@given(
    pairs=st.lists(st.tuples(st.sampled_from([-0.5, 0.0, 0.1, 0.2, 0.5, 0.9]), st.booleans()), min_size=1, max_size=12)
)
def test_best_similarity_judges_as_many_pairs_rightly_as_any_limit(pairs: list[tuple[float, bool]]) -> None:
    similarities = np.array([s for s, _ in pairs])
    same = np.array([g for _, g in pairs])

    def right(limit: float) -> int:
        return int(((similarities > limit) == same).sum())

    limits = [-1.0, *(s + 0.01 for s in similarities)]
    assert right(best_similarity(similarities, same)) == max(map(right, limits))


def test_separable_pairs_are_all_right_in_every_fold() -> None:
    similarities = np.concatenate([np.linspace(0.6, 0.9, 20), np.linspace(-0.1, 0.3, 20)])
    same = np.arange(40) < 20
    assert fold_accuracies(similarities, same, np.arange(40) % 10) == [1.0] * 10


def test_the_test_fold_does_not_choose_its_own_limit() -> None:
    """In fold 0 genuine pairs lie under impostor ones; a limit learnt on fold 1 gets all of them wrong."""
    similarities = np.array([0.1, 0.1, 0.5, 0.5, 0.9, 0.9, 0.2, 0.2])
    same = np.array([True, True, False, False, True, True, False, False])
    folds = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    limit = best_similarity(similarities[folds == 1], same[folds == 1])
    expected = float(np.mean((similarities[:4] > limit) == same[:4]))
    assert fold_accuracies(similarities, same, folds)[0] == expected < 1


def test_tar_at_fmr_by_hand() -> None:
    impostor = np.arange(300) / 1000  # 0 ... 0.299
    assert similarity_at_fmr(impostor, 0.01) == pytest.approx(0.296), "three of 300 lie above"
    assert similarity_at_fmr(impostor, 0.001) == pytest.approx(0.299), "none lies above"
    genuine = np.array([0.2965, 0.2985, 0.5, 0.1])
    scores = score_pairs(np.concatenate([genuine, impostor]), np.arange(304) < 4, np.arange(304) % 2)
    assert scores.tar_at_fmr_1e2 == 0.75
    assert scores.tar_at_fmr_1e3 == 0.25
    assert (scores.num_genuine, scores.num_impostor) == (4, 300)


def test_impostor_tail_counts_every_pair_of_different_people_and_stops_where_data_stops() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    owners = np.repeat(np.arange(20), 3)
    tail = impostor_tail(vectors, owners)
    impostor = [
        float(vectors[i] @ vectors[j]) for i, j in itertools.combinations(range(60), 2) if owners[i] != owners[j]
    ]
    assert len(impostor) == 1710
    assert min(rate for _, rate in tail) == 3e-3, "3e-3 of 1,710 pairs is five pairs, 1e-3 would be one or two"
    for similarity, rate in tail:
        assert sum(s > similarity + 5e-5 for s in impostor) <= rate * len(impostor) + 1
    assert [s for s, _ in tail] == sorted(s for s, _ in tail)
    assert fmr_at(tail[-1][0], tail) == (pytest.approx(3e-3), True)


def test_average_precision_by_hand() -> None:
    right = np.array([True, False, True, False])
    # Recall .5 at precision 1, recall 1 at precision 2/3.
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.6]), right, 2) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert average_precision(np.array([0.9]), np.array([True]), 4) == 0.25
    assert average_precision(np.zeros(0), np.zeros(0, np.bool_), 3) == 0.0


def found(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    scores = np.linspace(0.9, 0.5, count).astype(np.float32)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), scores, np.zeros((count, 5, 2), np.float32))


def test_each_face_is_found_once_and_ignored_places_count_for_nothing() -> None:
    truth = np.array([[0, 0, 10, 10]], np.float32)
    ignored = np.array([[100, 100, 140, 140]], np.float32)
    detections = found((0, 0, 10, 9), (1, 0, 11, 10), (105, 105, 115, 115), (50, 50, 60, 60))
    face, counts = match(detections, truth, ignored)
    assert face.tolist() == [0, -1, -1, -1]
    assert counts.tolist() == [True, True, False, True]
    face, counts = match(found(), truth, ignored)
    assert len(face) == len(counts) == 0
    face, counts = match(detections, truth[:0], ignored[:0])
    assert face.tolist() == [-1] * 4
    assert counts.all()
