"""An update with another schema and another embedder: people come along, and whoever goes back finds all as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.build import load_models
from edge.app.people.embeddings import bring_database
from edge.app.selfcheck import sealed_clip
from edge.config import Config
from edge.store import Store, migrate, update
from edge.store.people.references import read_references
from tests.support.updates import NOW, OTHER, make_box


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The same, and the program is one schema ahead of it."""
    config = Config(data_dir=tmp_path / "data")
    steps = make_box(config)
    monkeypatch.setattr(migrate, "migrations", lambda: steps)
    return config


def test_the_check_of_a_release_leaves_the_database_as_it_is(box: Config) -> None:
    """The release before is at work on it, and could not open a newer one after its next start."""
    before = update.database_facts(box.data_dir)
    assert all(one.ok for one in sealed_clip.check_gallery(box))
    assert update.database_facts(box.data_dir).schema == before.schema < before.knows


def test_references_come_along_and_go_back(box: Config) -> None:
    before = update.database_facts(box.data_dir).schema
    bring_database(box, NOW)
    bring_database(box, NOW)  # as after a power cut
    assert [one.model_sha256 for one in read_references(box.data_dir)] == [load_models(box).stages.embedder.sha256]
    assert update.roll_back(box.data_dir, NOW)
    assert [one.model_sha256 for one in read_references(box.data_dir)] == [OTHER]
    assert update.database_facts(box.data_dir).schema == before


def test_references_go_back_also_where_the_schema_stays(box: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = migrate.migrations()[:-1]
    monkeypatch.setattr(migrate, "migrations", lambda: steps)
    bring_database(box, NOW)
    assert update.roll_back(box.data_dir, NOW)
    assert [one.model_sha256 for one in read_references(box.data_dir)] == [OTHER]


def test_a_reference_that_moved_is_told(box: Config) -> None:
    bring_database(box, NOW)
    with Store.open(box.data_dir) as store:
        store._core.writer.submit(
            lambda change: change.db.execute("UPDATE person_references SET embedding = zeroblob(length(embedding))")
        ).result()
    assert [one.found for one in sealed_clip.check_gallery(box)] == [1]
