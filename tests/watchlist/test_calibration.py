"""The tail of strangers' similarities: known distributions, honest bounds, and a setting that keeps its promise."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edge.errors import ImageError
from edge.records import Person, Reference
from edge.watchlist import Gallery
from edge.watchlist.calibration import calibrate, stranger_scores
from edge.watchlist.tail import Tail, fit_tail

DIM = 32


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.normal(size=(count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def gallery_of(vectors: np.ndarray) -> Gallery:
    references = [Reference(f"r{i}", f"p{i}", "0" * 64, v, "m", {}, "test") for i, v in enumerate(vectors)]
    return Gallery(references, [Person(f"p{i}", f"P{i}", "listed") for i in range(len(vectors))])


def test_the_fit_finds_a_known_tail() -> None:
    rng = np.random.default_rng(0)
    shape, scale = -0.2, 0.05
    ranked = np.sort(0.4 + scale / shape * (rng.random(20_000) ** -shape - 1))[::-1]
    start, found_shape, found_scale = fit_tail(ranked, 5000)
    assert found_shape == pytest.approx(shape, abs=0.05)
    # A generalised Pareto tail cut higher up has the same shape and a scale that moves with the cut.
    assert found_scale == pytest.approx(scale + shape * (start - 0.4), rel=0.08)


def test_rates_rarer_than_was_counted_are_right_within_a_factor_of_two() -> None:
    rng = np.random.default_rng(1)
    tail = Tail.fit(rng.beta(8, 12, 5000))
    many = rng.beta(8, 12, 3_000_000)
    for rate in (1e-2, 1e-3, 1e-4):
        limit = float(np.quantile(many, 1 - rate))
        assert rate / 2 < tail.rate(limit) < rate * 2
        assert tail.bound(limit) >= tail.rate(limit)


def test_the_bound_holds_in_nineteen_of_twenty_draws() -> None:
    rng = np.random.default_rng(2)
    limit = float(np.quantile(rng.beta(8, 12, 2_000_000), 1 - 1e-3))
    held = [Tail.fit(rng.beta(8, 12, 2000)).bound(limit) >= 1e-3 for _ in range(40)]
    assert np.mean(held) >= 0.85


def test_rates_fall_with_similarity_and_the_setting_keeps_its_promise() -> None:
    tail = Tail.fit(np.random.default_rng(3).normal(0.1, 0.1, 5000))
    rates = [tail.rate(s) for s in np.linspace(-0.3, 0.9, 100)]
    assert all(a >= b - 1e-3 for a, b in itertools.pairwise(rates))
    for rate in (0.03, 1e-3, 1e-4):
        assert tail.bound(tail.similarity_at(rate)) <= rate


def test_equal_scores_and_too_few() -> None:
    assert Tail.fit(np.full(100, -1.0)).rate(0.5) < 1e-6
    with pytest.raises(ValueError, match="too few"):
        Tail.fit(np.zeros(10))


def test_the_promise_grows_with_the_list_and_holds_for_strangers_not_used() -> None:
    rng = np.random.default_rng(4)
    drawn, others = unit(rng, 5000), unit(rng, 40_000)
    settings = []
    for people in (1, 10, 100):
        gallery = gallery_of(unit(np.random.default_rng(9), people))
        made = calibrate(gallery, {"color": drawn}, 0.0)
        assert made is not None
        limit = made.thresholds(300)["color"]
        settings.append(limit)
        measured = float(np.mean(stranger_scores(gallery, others, 0.0) >= limit))
        assert 1 / 900 < measured < 1 / 300 * 1.1
        assert 1.0 / made.tails["color"].bound(limit) == pytest.approx(300, rel=0.15)
        assert "gray" not in made.tails
    assert settings == sorted(settings)


def test_pictures_of_one_camera_have_something_in_common_and_the_promise_knows() -> None:
    rng = np.random.default_rng(11)
    camera = unit(rng, 1)

    def taken(count: int) -> np.ndarray:
        vectors = unit(rng, count) + 0.6 * camera
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    drawn, strangers = {"color": unit(rng, 5000)}, taken(20_000)
    gallery = gallery_of(taken(20))
    made = calibrate(gallery, drawn, 0.0)
    assert made is not None
    measured = float(np.mean(stranger_scores(gallery, strangers, 0.0) >= made.thresholds(100)["color"]))
    assert 1 / 2000 < measured < 1 / 50
    without = Tail.fit(stranger_scores(gallery, drawn["color"], 0.0)).similarity_at(1 / 100)
    assert np.mean(stranger_scores(gallery, strangers, 0.0) >= without) > 1 / 10
    elsewhere = calibrate(gallery_of(unit(rng, 20)), drawn, 0.0)
    assert elsewhere is not None
    assert elsewhere.biases["color"] == 0


def test_the_margin_takes_false_alerts_away() -> None:
    rng = np.random.default_rng(5)
    one = unit(rng, 1)
    twin = one + 0.01 * unit(rng, 1)
    gallery = gallery_of(np.concatenate([one, twin / np.linalg.norm(twin)]))
    drawn = unit(rng, 1000)
    assert (stranger_scores(gallery, drawn, 0.05) == -1).all()
    assert (stranger_scores(gallery, drawn, 0.0) > -1).all()


def test_best_two_equals_search() -> None:
    gallery, probes = gallery_of(unit(np.random.default_rng(6), 20)), unit(np.random.default_rng(7), 50)
    best, second = gallery.best_two(probes)
    for probe, b, s in zip(probes, best, second, strict=True):
        found = gallery.search(probe, limit=2)
        assert (found[0].similarity, found[1].similarity) == pytest.approx((float(b), float(s)), abs=1e-6)
    alone = gallery_of(unit(np.random.default_rng(6), 1))
    assert (alone.best_two(probes)[1] == 0).all()
    with pytest.raises(ImageError):
        Gallery((), ()).best_two(probes)


def test_nobody_listed_needs_no_calibration() -> None:
    assert calibrate(Gallery((), ()), {"color": unit(np.random.default_rng(8), 100)}, 0.0) is None
