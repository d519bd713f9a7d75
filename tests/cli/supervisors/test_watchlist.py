"""The commands around decisions, as a person types them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli.root import app
from edge.errors import ConfigError, NotFoundError, StoreError
from edge.store import Store
from tests.support.store import ANN, add_hits, enrol


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with one person and one hit; no model made their embedding."""
    monkeypatch.setenv("EDGE_DATA_DIR", str(tmp_path))
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1])
    return tmp_path


def run(*words: str) -> str:
    done = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_references_are_listed_set_aside_and_restored(box: Path) -> None:
    told = json.loads(run("watchlist", "list", "--references", "--json"))
    (reference,) = told["references"]
    assert (reference["person"], reference["aside"]) == (ANN.person_id, False)
    assert "is set aside" in run("watchlist", "set-aside", reference["id"])
    told = json.loads(run("watchlist", "list", "--references", "--json"))
    assert told["references"][0]["aside"]
    assert "set aside" in run("watchlist", "list", "--references")
    assert "is searched again" in run("watchlist", "restore", reference["id"])
    assert not json.loads(run("watchlist", "list", "--references", "--json"))["references"][0]["aside"]
    with pytest.raises(NotFoundError, match="no reference"):
        run("watchlist", "set-aside", "nothing")


def test_embedding_anew_says_that_there_is_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DATA_DIR", str(tmp_path))
    assert run("watchlist", "reembed").startswith("Nothing to do")
    with Store.open(tmp_path) as store:
        enrol(store, ANN)  # embedded by no model of the pack
    assert not run("watchlist", "reembed").startswith("Nothing to do")


def test_explain_prints_and_an_unknown_hit_is_named(box: Path) -> None:
    with Store.open(box) as store:
        hit_id = store.hits()[0].hit_id
    assert json.loads(run("explain", hit_id, "--json"))["lines"]
    with pytest.raises(NotFoundError, match="no hit"):
        run("explain", "nothing")
    with pytest.raises(NotFoundError, match="no hit"):
        run("replay", "nothing")


def test_calibration_is_reset_and_needs_people(box: Path) -> None:
    assert "in force again" in run("watchlist", "calibrate", "--reset")
    # The person's picture was embedded by no model of the pack, so for this embedder nobody is enrolled.
    with pytest.raises(ConfigError, match=r"nobody is enrolled|holds no strangers"):
        run("watchlist", "calibrate", "--one-in", "1000")


def test_a_picture_that_was_set_aside_does_not_come_back_by_import(
    tmp_path: Path, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_DATA_DIR", str(tmp_path / "data"))
    run("enrol", "--id", "p1", "--name", "Ann", "--status", "demo", str(portrait))
    (reference,) = json.loads(run("watchlist", "list", "--references", "--json"))["references"]
    run("watchlist", "export", str(tmp_path / "people.zip"))
    run("watchlist", "set-aside", reference["id"])
    done = CliRunner().invoke(app, ["watchlist", "import", str(tmp_path / "people.zip")])
    assert "or was set aside" in " ".join(done.output.split())
    assert json.loads(run("watchlist", "list", "--references", "--json"))["references"][0]["aside"]


def test_an_export_leaves_out_what_was_set_aside_and_names_what_is_lost(
    tmp_path: Path, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another box a picture that was set aside would be searched again, and a damaged one be taken for whole."""
    monkeypatch.setenv("EDGE_DATA_DIR", str(tmp_path / "data"))
    run("enrol", "--id", "p1", "--name", "Ann", "--status", "demo", str(portrait))
    (reference,) = json.loads(run("watchlist", "list", "--references", "--json"))["references"]
    with Store.open(tmp_path / "data") as store:
        file = store.image_path(store.references()[0].image_sha256)
    assert file is not None

    def exported() -> int:
        with zipfile.ZipFile(tmp_path / "people.zip") as archive:
            return len(archive.namelist()) - 1

    data = file.read_bytes()
    assert "left out" not in run("watchlist", "export", str(tmp_path / "people.zip"))
    assert exported() == 1
    file.write_bytes(data[:-100])
    with pytest.raises(StoreError, match=f"lacks 1 picture .* missing or damaged: {reference['id']}"):
        run("watchlist", "export", str(tmp_path / "people.zip"))
    assert exported() == 0
    file.unlink()
    with pytest.raises(StoreError, match="lacks 1 picture"):
        run("watchlist", "export", str(tmp_path / "people.zip"))
    file.write_bytes(data)
    run("watchlist", "set-aside", reference["id"])
    assert f"1 picture that was set aside: left out ({reference['id']})" in " ".join(
        run("watchlist", "export", str(tmp_path / "people.zip")).split()
    )
    assert exported() == 0
