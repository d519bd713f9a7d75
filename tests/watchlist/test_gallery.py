"""Gallery search against a naive loop; galleries that can't be searched are refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import ImageError, ModelError
from edge.records import Person, Reference
from edge.watchlist import Gallery

DIM = 6


def unit(seed: int) -> np.ndarray:
    vector = np.random.default_rng(seed).normal(size=DIM)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def reference(reference_id: str, person_id: str, embedding: np.ndarray, model: str = "m") -> Reference:
    return Reference(reference_id, person_id, "0" * 64, embedding, model, {}, "test")


def person(person_id: str) -> Person:
    return Person(person_id, person_id.upper(), "listed")


def slow_search(references: list[Reference], probe: np.ndarray) -> dict[str, float]:
    best: dict[str, float] = {}
    for r in references:
        similarity = sum(float(a) * float(b) for a, b in zip(r.embedding, probe, strict=True))
        best[r.person_id] = max(best.get(r.person_id, -2.0), similarity)
    return best


@given(
    owners=st.lists(st.sampled_from("abcdefgh"), max_size=30), probe=st.integers(0, 10_000), order=st.integers(0, 99)
)
def test_search_equals_the_naive_loop(owners: list[str], probe: int, order: int) -> None:
    references = [reference(f"r{i}", owner, unit(i)) for i, owner in enumerate(owners)]
    people = [person(owner) for owner in {*owners, "zz"}]
    random.Random(order).shuffle(references)
    gallery = Gallery(references, people)
    found = gallery.search(unit(probe + 1000))
    expected = slow_search(references, unit(probe + 1000))
    assert {r.person_id for r in found} == set(expected)
    for person_id in (*"abcdefgh", "zz"):
        similarity = gallery.similarity_to(unit(probe + 1000), person_id)
        assert similarity == pytest.approx(expected.get(person_id, -1.0), abs=1e-5)
    by_id = {r.reference_id: r for r in references}
    for ranked in found:
        assert ranked.similarity == pytest.approx(expected[ranked.person_id], abs=1e-5)
        own = float(by_id[ranked.reference_id].embedding @ unit(probe + 1000))
        assert own == pytest.approx(ranked.similarity, abs=1e-5)
        assert by_id[ranked.reference_id].person_id == ranked.person_id
    assert [r.similarity for r in found] == sorted((r.similarity for r in found), reverse=True)


def test_equal_similarities_are_ordered_by_name() -> None:
    same = unit(1)
    gallery = Gallery(
        [reference("r2", "b", same), reference("r1", "a", same), reference("r0", "a", same)], [person("a"), person("b")]
    )
    assert [(r.person_id, r.reference_id) for r in gallery.search(same)] == [("a", "r0"), ("b", "r2")]
    assert len(gallery.search(same, limit=1)) == 1
    assert gallery.search(same)[0].similarity <= 1.0


def test_in_an_empty_gallery_nobody_is_found() -> None:
    assert Gallery((), ()).search(unit(1)) == ()
    assert len(Gallery((), ())) == 0
    assert Gallery([], [person("a")]).search(unit(1)) == ()
    assert Gallery((), ()).model_sha256 is None


def test_references_of_two_models_are_refused() -> None:
    references = [reference("r1", "a", unit(1), "old"), reference("r2", "a", unit(2), "new")]
    with pytest.raises(ModelError, match="different models"):
        Gallery(references, [person("a")])


def test_reference_of_a_stranger_is_refused() -> None:
    with pytest.raises(ImageError, match="not on the watchlist"):
        Gallery([reference("r1", "ghost", unit(1))], [person("a")])


@pytest.mark.parametrize("bad", [np.zeros(DIM, np.float32), np.full(DIM, np.nan, np.float32), 2 * unit(1)])
def test_embedding_that_is_not_of_length_one_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ModelError, match="r1"):
        Gallery([reference("r0", "a", unit(0)), reference("r1", "a", bad)], [person("a")])


def test_references_and_probe_of_another_size_are_refused() -> None:
    with pytest.raises(ModelError, match="different shapes"):
        Gallery([reference("r0", "a", unit(0)), reference("r1", "a", np.ones(1, np.float32))], [person("a")])
    gallery = Gallery([reference("r0", "a", unit(0))], [person("a")])
    with pytest.raises(ImageError, match="another model"):
        gallery.search(np.ones(1, np.float32))


def test_the_order_of_what_is_given_changes_nothing() -> None:
    one, two = reference("r1", "a", unit(1)), reference("r2", "b", unit(2))
    people = [person("a"), person("b")]
    forth, back = Gallery([one, two], people), Gallery([two, one], people[::-1])
    assert forth.owners == back.owners
    assert np.array_equal(forth.matrix, back.matrix)
    assert forth.search(unit(3)) == back.search(unit(3))


def test_a_gallery_does_not_change_with_what_it_was_made_of() -> None:
    references = [reference("r1", "a", unit(1))]
    gallery = Gallery(references, [person("a")])
    before = gallery.search(unit(1))
    references[0].embedding[:] = 0
    references.clear()
    assert gallery.search(unit(1)) == before
