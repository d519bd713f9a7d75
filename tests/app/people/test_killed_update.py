"""A power cut at any point of an update of the database or of its way back: one database, and nobody is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.app.build import load_models
from edge.app.people import embeddings
from edge.config import Config
from edge.errors import StoreError
from edge.store import Store, migrate, update
from edge.store.people.references import read_references
from edge.store.repair.former_data import REFUSED
from tests.support.paths import ROOT
from tests.support.updates import NOW, OTHER

LEAST = {"migrate": 12, "back": 8}
"""Points at the least, lest the loop ends at once."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Data folders as kills left them."""
    root = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.app.people.killed_update", str(root)]
    said = subprocess.check_output(command, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    paths = [Path(line) for line in said.splitlines()]
    return {name: [path for path in paths if path.name.startswith(name)] for name in LEAST}


def look(folder: Path, model: str, left: set[str]) -> list[str]:
    """The next start: Ann is there, nothing is warned of, no name but these is left; the causes of gaps in the feed."""
    with Store.open(folder) as store:
        told = f"{folder.name}: {store.damage()}, {store.audit_log.verify().problems}"
        assert [person.name for person in store.people()] == ["Ann"], told
        assert [one.model_sha256 for one in store.references()] == [model], told
        assert store.damage() is None, told
        assert store.audit_log.verify().problems == (), told
        gaps = [str(item.body["cause"]) for item in store.feed(None, 100).items if item.type == "gap"]
    files = [path for path in folder.iterdir() if path.name.startswith("edge.db")]
    assert {path.name for path in files} <= {"edge.db", *left}, folder.name
    assert all(path.stat().st_nlink == 1 for path in files), folder.name
    return gaps


def copy_of(folder: Path, target: Path) -> Path:
    """A copy in which two names of one file stay two names of one file."""
    subprocess.run(["cp", "-a", folder, target], check=True)
    return target / folder.name


def is_known(folder: Path) -> bool:
    """Whether this program can open the database."""
    try:
        return update.database_facts(folder).schema > 0
    except StoreError:
        return False


@pytest.mark.parametrize("name", LEAST)
def test_taken_back_after_a_kill(killed: dict[str, list[Path]], name: str, tmp_path: Path) -> None:
    """As `edge release settle` does at the start of the system."""
    assert len(killed[name]) >= LEAST[name]
    for folder in killed[name]:
        at = copy_of(folder, tmp_path)
        was_new = any(one.model_sha256 != OTHER for one in read_references(at)) or name == "back"
        update.roll_back(at, NOW)
        gaps = look(at, OTHER, {REFUSED})
        assert gaps or not was_new, "what was taken back is told"
        assert set(gaps) <= {"database restored"}


def test_started_after_a_kill(killed: dict[str, list[Path]], tmp_path: Path) -> None:
    """As where somebody updates by hand, and starts the former program again: it knows a database not yet swapped."""
    folders = [one for one in killed["migrate"] if is_known(one)]
    assert len(folders) >= 5
    for folder in folders:
        assert look(copy_of(folder, tmp_path), OTHER, set()) == []


def test_done_again_after_a_kill(
    killed: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where there is no release to go back to, or somebody tries the update again."""
    later = migrate.Migration(migrate.migrations()[-1].number + 1, "later", "CREATE TABLE later (n INTEGER) STRICT;")
    steps = (*migrate.migrations(), later)
    monkeypatch.setattr(migrate, "migrations", lambda: steps)
    models = load_models(Config())
    monkeypatch.setattr(embeddings, "load_models", lambda config: models)
    model = models.stages.embedder.sha256
    for folder in killed["migrate"]:
        at = copy_of(folder, tmp_path)
        embeddings.bring_database(Config(data_dir=at), NOW)
        assert look(at, model, {update.BEFORE}) == []
        update.accept(at)
        assert look(at, model, set()) == []
