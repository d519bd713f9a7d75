"""People and their references on a real SQLite file."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ConflictError
from edge.records import Reference
from edge.store import Store
from tests.support.store import ANN, BOB, MODEL, enrol, picture, reference_of


@pytest.fixture
def store(tmp_path: Path):
    with Store.open(tmp_path / "data") as opened:
        yield opened


def test_people_and_references(store: Store) -> None:
    version, digest = store.watchlist_version()
    assert version == 0
    enrol(store, BOB, (1, 2))
    enrol(store, ANN)
    assert store.people() == [ANN, BOB]
    assert store.person("bob-2") == BOB
    assert store.person("eve") is None
    assert store.watchlist_version()[0] == 2
    assert store.watchlist_version()[1] != digest
    found = store.references(MODEL)
    assert [reference.reference_id for reference in found] == ["ann-1/ref-1", "bob-2/ref-1", "bob-2/ref-2"]
    assert found[0].embedding.dtype == np.float32
    np.testing.assert_array_equal(found[2].embedding, reference_of(BOB, 2)[0].embedding)
    assert store.references("00" * 32) == []
    renamed = dataclasses.replace(BOB, status="found", expires_at=None)
    before = store.watchlist_version()
    store.put_person(renamed, [], {}).result(10)
    assert store.person("bob-2") == renamed
    assert len(store.references()) == 3
    assert store.watchlist_version()[0] == before[0] + 1
    assert store.watchlist_version()[1] != before[1]


def test_a_reference_with_the_same_id_replaces_the_former_and_its_picture(store: Store) -> None:
    enrol(store, ANN)
    former, pictures = reference_of(ANN)
    path = store.image_path(former.image_sha256)
    assert path is not None
    sha256, data = picture("a better picture")
    store.put_person(ANN, [dataclasses.replace(former, image_sha256=sha256)], {sha256: data}).result(10)
    assert [reference.image_sha256 for reference in store.references()] == [sha256]
    assert store.image_path(former.image_sha256) is None
    assert not path.exists()
    with pytest.raises(ConflictError, match="another person"):
        store.put_person(BOB, [former], pictures).result(10)
    assert not path.exists(), "the picture of a refused reference stayed on the disk"
    assert store.person("bob-2") is None, "a refused change left half of itself"


def test_the_digest_depends_on_what_is_listed_and_not_on_how_it_came_about(tmp_path: Path) -> None:
    with Store.open(tmp_path / "one") as one, Store.open(tmp_path / "two") as two:
        enrol(one, ANN)
        enrol(one, BOB)
        enrol(two, BOB)
        enrol(two, dataclasses.replace(ANN, name="Anne"))
        assert one.watchlist_version()[1] != two.watchlist_version()[1]
        enrol(two, ANN)
        assert one.watchlist_version()[1] == two.watchlist_version()[1]
        assert one.epoch != two.epoch
        assert one.box_id != two.box_id


def test_references_must_match_the_person_they_come_with(store: Store) -> None:
    reference, pictures = reference_of(ANN)
    stranger: Reference = dataclasses.replace(reference, person_id="bob-2")
    with pytest.raises(ConflictError):
        store.put_person(ANN, [stranger], pictures).result(10)
    assert store.people() == []


def test_the_best_picture_of_those_that_are_searched_comes_first(store: Store) -> None:
    scores: dict[int, object] = {1: 40.0, 2: 93.5, 3: "damaged", 4: 71.0, 5: 71.0}
    enrol(store, BOB)
    for number, score in scores.items():
        reference, pictures = reference_of(ANN, number)
        worth = dataclasses.replace(reference, quality={"score": score})
        store.put_person(ANN, [worth], pictures).result(10)

    def order() -> list[str]:
        found = [one.reference_id for one in store.references()]
        assert [one.reference_id for one in store.references(person_id=ANN.person_id)] == found[:5]
        assert found[5].startswith(BOB.person_id), "person by person"
        return [one[-1] for one in found[:5]]

    assert order() == ["2", "4", "5", "1", "3"]
    store.calibration.set_aside(f"{ANN.person_id}/ref-2").result(10)
    assert order() == ["4", "5", "1", "3", "2"], "a picture set aside may show somebody else"
    store.calibration.set_aside(f"{ANN.person_id}/ref-2", is_aside=False).result(10)
    drill = store.hit(store.drills.make("door", "gate-2", ANN.person_id).result(10))
    assert drill is not None
    assert drill.images.reference == reference_of(ANN, 2)[0].image_sha256
