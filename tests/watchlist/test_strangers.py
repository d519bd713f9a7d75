"""Strangers who don't exist: how alike the drawn ones are, and that no number of theirs is infinite."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from edge.watchlist.strangers import PULLS, draw, fit


def unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float64)


def pairs_of(people: int, size: int = 64) -> np.ndarray:
    """Two nearly equal faces of each person, far apart in the list: so alike is nobody who is drawn."""
    rng = np.random.default_rng(3)
    faces = unit(rng.standard_normal((people, size)))
    return unit(np.vstack([faces, faces + 0.01 * rng.standard_normal((people, size))]))


@pytest.mark.parametrize("people", [25, 100])
def test_where_nobody_drawn_is_as_alike_the_errors_are_finite(people: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pull, errors = fit(pairs_of(people), 0)
    assert pull in PULLS
    assert set(errors) == {f"{one:g}" for one in PULLS}
    assert np.isfinite(list(errors.values())).all()


def test_of_pulls_that_err_alike_the_strongest_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weaker one would promise fewer false alerts, and nothing speaks for it."""
    faces = pairs_of(100)
    away = unit(-np.abs(faces[:50]))
    monkeypatch.setattr("edge.watchlist.strangers.draw", lambda *given: away)
    pull, errors = fit(np.abs(faces), 0)
    assert len(set(errors.values())) == 1
    assert pull == max(PULLS)


def test_drawn_vectors_are_finite_and_of_length_one() -> None:
    rng = np.random.default_rng(0)
    drawn = draw(unit(rng.standard_normal((50, 32))), 500, 1.2, 0)
    assert drawn.shape == (500, 32)
    assert np.allclose(np.linalg.norm(drawn, axis=1), 1.0)
