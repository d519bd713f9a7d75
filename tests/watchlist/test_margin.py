"""The margin over the runner-up: chosen on made-up captures of this list, larger where it costs nobody anything."""

from __future__ import annotations

import numpy as np
import pytest

from edge.records import Person, Reference
from edge.watchlist import Gallery
from edge.watchlist.margin import MARGINS, choose_margin, simulate_captures

DIM = 64
LIKENESS = tuple(np.linspace(0.55, 0.95, 11).tolist())


def unit(rng: np.random.Generator, count: int) -> np.ndarray:
    vectors = rng.normal(size=(count, DIM))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def gallery_of(vectors: np.ndarray, per_person: int = 1) -> Gallery:
    owners = [f"p{i // per_person:03d}" for i in range(len(vectors))]
    references = [
        Reference(f"r{i:04d}", owner, "0" * 64, v, "m", {}, "test")
        for i, (owner, v) in enumerate(zip(owners, vectors, strict=True))
    ]
    return Gallery(references, [Person(owner, owner, "listed") for owner in sorted(set(owners))])


def test_captures_are_as_like_their_reference_as_measured() -> None:
    rng = np.random.default_rng(0)
    gallery = gallery_of(unit(rng, 12), per_person=3)
    probes, own = simulate_captures(gallery, unit(rng, 4000), LIKENESS)
    alike = probes @ gallery.matrix.T
    assert np.linalg.norm(probes, axis=1) == pytest.approx(np.ones(4000), abs=1e-5)
    # The reference that was aimed at is the best one nearly always, and its similarity is spread as asked.
    assert np.quantile(alike.max(axis=1), [0.1, 0.5, 0.9]) == pytest.approx([0.59, 0.75, 0.91], abs=0.02)
    assert (gallery.best_person(probes) == own).mean() > 0.95
    assert [gallery.owners[i] for i in gallery.owner_of(np.array([0, 2, 3, 11]))] == ["p000", "p000", "p001", "p003"]


def test_people_who_do_not_resemble_get_the_large_margin_and_look_alikes_a_small_one() -> None:
    rng = np.random.default_rng(1)
    strangers, people = {"color": unit(rng, 2000)}, unit(rng, 6)
    likeness = {"color": LIKENESS}
    apart = choose_margin(gallery_of(people), strangers, likeness, 1000)
    assert apart is not None
    twin = people[:1] + 0.55 * unit(rng, 1)
    alike = choose_margin(gallery_of(np.concatenate([people, twin / np.linalg.norm(twin)])), strangers, likeness, 1000)
    assert alike is not None
    assert alike[0].min_margin < apart[0].min_margin
    rows = {row.min_margin: row for row in alike[1]}
    assert tuple(rows) == MARGINS
    assert rows[0.2].missed > rows[0.0].missed
    assert rows[0.2].misnamed <= rows[0.0].misnamed
    assert alike[0].thresholds(1000) == rows[alike[0].min_margin].min_similarity


def test_nothing_is_chosen_where_nothing_can_be_measured() -> None:
    rng = np.random.default_rng(2)
    strangers = {"color": unit(rng, 200)}
    assert choose_margin(Gallery((), ()), strangers, {"color": LIKENESS}, 100) is None
    assert choose_margin(gallery_of(unit(rng, 1)), strangers, {"color": LIKENESS}, 100) is None
    assert choose_margin(gallery_of(unit(rng, 3)), strangers, {}, 100) is None
