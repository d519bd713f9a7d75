"""Lost pictures and damaged hits become conditions, and items of the feed, when they begin and when they end."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app.service import database_check
from edge.store import Store
from tests.support.monitored import Scene
from tests.support.store import ANN, Clock, add_hits, enrol, kept_files


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = Clock()
    with Store.open(tmp_path, clock=clock) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 4))
        yield Scene(store, tmp_path, clock)


def look(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """One round of the loop that looks for losses, then one of the monitor."""

    class EnoughError(Exception):
        pass

    async def end(seconds: float) -> None:
        raise EnoughError

    with monkeypatch.context() as once:
        once.setattr(database_check.asyncio, "sleep", end)
        with contextlib.suppress(EnoughError):
            database_check.asyncio.run(database_check.watch_for_losses(scene.store))
    scene.look(0)


def told(scene: Scene, subject: str) -> list[tuple[str, str]]:
    return [(body["state"], body["detail"]) for kind, body in scene.items() if body.get("subject") == subject]


def test_a_picture_that_is_gone_is_told_and_again_when_it_is_back(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(scene, monkeypatch)
    assert told(scene, "pictures") == []
    lost = kept_files(tmp_path)[0]
    lost.rename(tmp_path / "away")
    look(scene, monkeypatch)
    (tmp_path / "away").rename(lost)
    look(scene, monkeypatch)
    assert told(scene, "pictures") == [
        ("missing", "1 kept picture is not on the disk any more"),
        ("ok", "all kept pictures are there"),
    ]


def test_a_folder_that_is_deleted_is_made_anew_and_told_and_hits_go_on(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = len(kept_files(tmp_path))
    shutil.rmtree(tmp_path / "blobs")
    look(scene, monkeypatch)
    assert (tmp_path / "blobs").is_dir()
    add_hits(scene.store, ANN, [9])
    assert told(scene, "pictures") == [("missing", f"{number} kept pictures are not on the disk any more")]


def test_pictures_that_can_not_be_kept_are_told(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tmp_path / "blobs")
    (tmp_path / "blobs").symlink_to(tmp_path / "away")
    look(scene, monkeypatch)
    (state, detail) = told(scene, "pictures")[-1]
    assert (state, "can't be used" in detail) == ("unusable", True)
    add_hits(scene.store, ANN, [9])


def test_a_hit_whose_row_is_damaged_for_good_is_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "edge.db")) as db, db:
        db.execute("UPDATE hits SET body = substr(body, 2) WHERE rowid = 1")
        db.execute("UPDATE feed SET body = substr(body, 2) WHERE seq = 1")
    look(scene, monkeypatch)
    assert told(scene, "hits") == [("damaged", "1 hit can't be read: its row in the database is damaged")]
    assert len(scene.store.hits()) == 2
