"""Pictures whose file is gone and hits whose row is damaged are counted and told; new hits are stored all the same."""

from __future__ import annotations

import contextlib
import errno
import shutil
import sqlite3
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from edge.errors import StoreError
from edge.store import Store
from edge.store.blobs import FORMER, Blobs
from tests.support.store import ANN, Clock, add_hits, enrol, hit_of, kept_files, require_pictures, review


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    return shutil.copytree(good, tmp_path / "data")


def damage_rows(folder: Path, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db, db:
        db.execute(statement)


class BarredFolder:
    """A folder in which no file can be made, as where it belongs to another user."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder: Path | None = folder
        for name in ("mkstemp", "TemporaryFile"):
            monkeypatch.setattr(f"edge.store.blobs.tempfile.{name}", self._guard(getattr(tempfile, name)))

    def _guard(self, make: Any) -> Any:
        def guarded(*args: Any, dir: Path, **kwargs: Any) -> Any:
            if dir == self.folder:
                raise PermissionError(errno.EACCES, "Permission denied", str(dir / "new"))
            return make(*args, dir=dir, **kwargs)

        return guarded


def newest(store: Store) -> str:
    return store.hits(limit=1)[0].hit_id


def test_a_folder_of_pictures_that_is_deleted_is_made_anew_and_hits_go_on(folder: Path) -> None:
    with Store.open(folder) as store:
        pictures = store.stats()["images"]
        shutil.rmtree(folder / "blobs")
        add_hits(store, ANN, range(200, 203))
        shutil.rmtree(folder / "blobs")
        assert store.losses.now().folder == ""
        assert store.losses.is_due, "whoever looks next looks for pictures"
        add_hits(store, ANN, range(300, 303))
        assert (folder / "blobs").stat().st_mode & 0o777 == 0o700
        for number in range(300, 303):
            for sha256 in hit_of(ANN, number)[1]:
                assert (folder / "blobs" / sha256[:2] / sha256).exists()
        store.losses.look_for_pictures()
        lost = store.losses.now().pictures
        assert lost == pictures + len(set().union(*(hit_of(ANN, number)[1] for number in range(200, 203))))
        assert len(store.hits(limit=100)) == 18
        assert store.forget_person(ANN.person_id).result(20).is_scrubbed


def test_a_folder_that_was_deleted_before_the_start_is_told(folder: Path) -> None:
    shutil.rmtree(folder / "blobs")
    with Store.open(folder) as store:
        store.losses.look_for_pictures()
        assert store.losses.now().pictures == store.stats()["images"] > 20
        add_hits(store, ANN, [200])


def test_a_single_picture_that_is_gone_or_empty_is_counted_and_remembered_over_starts(folder: Path) -> None:
    clock = Clock()
    first, second = [path for path in kept_files(folder) if b"frame" in path.read_bytes()][:2]
    first.unlink()
    second.write_bytes(b"")
    with Store.open(folder, clock=clock) as store:
        store.losses.look_for_pictures()
        assert store.losses.now().pictures == 2
    damage_rows(folder, "DELETE FROM meta WHERE key = 'last_sweep_at'")
    with Store.open(folder, clock=clock) as store:
        store.losses.look_for_pictures()
        assert store.losses.now().pictures == 2, "one row is deleted, one is still there"
    clock.forward(days=8)
    second.write_bytes(b"again")
    with Store.open(folder, clock=clock) as store:
        store.losses.look_for_pictures()
        assert store.losses.now().pictures == 0


def test_a_file_in_the_place_of_the_folder_is_moved_away_and_goes_with_the_next_erasure(folder: Path) -> None:
    shutil.rmtree(folder / "blobs")
    (folder / "blobs").write_bytes(b"no folder")
    with Store.open(folder) as store:
        add_hits(store, ANN, [200])
        assert (folder / FORMER).read_bytes() == b"no folder"
        assert store.forget_person(ANN.person_id).result(20).is_scrubbed
        assert not (folder / FORMER).exists()


def test_hits_are_stored_without_pictures_where_the_folder_can_not_be_used(folder: Path) -> None:
    """A link to a disk that is away."""
    shutil.rmtree(folder / "blobs")
    (folder / "blobs").symlink_to(folder / "away" / "pictures")
    with Store.open(folder) as store:
        add_hits(store, ANN, range(200, 203))
        assert len(store.hits(limit=100)) == 15
        item = {"camera": "door", "state": "covered", "pictures": {"now": "ab" * 32}}
        assert store.add_item("health", item, {}).result(20).body == item
        assert "can't be used" in store.losses.now().folder
        (folder / "away" / "pictures").mkdir(parents=True)
        assert store.losses.now().folder == ""
        add_hits(store, ANN, range(300, 303))
        assert {path.name for path in Blobs(folder / "blobs").files()} >= set(hit_of(ANN, 301)[1])


def test_a_damaged_hit_is_made_anew_from_the_feed_and_that_is_told(folder: Path) -> None:
    with Store.open(folder) as store:
        before = store.hits()
    damage_rows(folder, "UPDATE hits SET body = substr(body, 2) WHERE rowid IN (1, 3)")
    damage_rows(folder, "UPDATE hits SET body = replace(body, '\"visit\"', '\"vizit\"') WHERE rowid = 5")
    with Store.open(folder) as store:
        assert len(store.hits()) == 9
        assert store.losses.now().hits == 3, "met on a page"
        store.losses.look_for_hits()
        assert store.losses.now().hits == 0
        assert store.hits() == before
        found = store.damage()
        assert found is not None
        assert (found.state, found.detail[:39]) == ("rebuilt", "3 damaged hits were made anew from the ")
        heard = [item.body for item in store.feed(None, 100).items if item.body.get("subject") == "damage"]
        assert len(heard) == 1


def test_a_hit_that_nothing_else_tells_of_stays_damaged_says_so_and_holds_nothing_up(folder: Path) -> None:
    with Store.open(folder) as store:
        hit_id = newest(store)
    damage_rows(folder, f"UPDATE hits SET body = 'x' || body WHERE hit_id = '{hit_id}'")
    damage_rows(folder, f"UPDATE feed SET body = 'x' || body WHERE hit_id = '{hit_id}'")
    with Store.open(folder) as store:
        store.losses.look_for_hits()
        assert store.losses.now().hits == 1
        with pytest.raises(StoreError, match=rf"hit {hit_id} can't be read: its row in the database is damaged"):
            store.hit(hit_id)
        refused = review(store, hit_id, "confirmed", "gwen", None).exception(20)
        assert "its row in the database is damaged" in str(refused)
        assert store.last_hit_of(ANN.person_id, "door") is None
        # the visit goes on: its better sighting takes the place of the damaged row
        assert store.update_hit(*hit_of(ANN, 13, hit_id=hit_id)).result(20).type == "alert.updated"
        store.losses.look_for_hits()
        assert store.losses.now().hits == 0
        assert newest(store) == hit_id


def test_a_verdict_on_a_damaged_hit_that_the_feed_still_holds_is_taken(folder: Path) -> None:
    with Store.open(folder) as store:
        hit_id = newest(store)
    damage_rows(folder, f"UPDATE hits SET body = 'x' || body WHERE hit_id = '{hit_id}'")
    with Store.open(folder) as store:
        review(store, hit_id, "confirmed", "gwen", None).result(20)
        hit = store.hit(hit_id)
        assert hit is not None
        assert hit.review["state"] == "confirmed"
        require_pictures(store)
        enrol(store, ANN)


def test_a_single_folder_that_can_not_be_written_costs_its_pictures_alone_and_is_told_until_it_can(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = [hit_of(ANN, number) for number in range(200, 230)]
    prefix = str(given[0][0].images.crop)[:2]
    barred = BarredFolder(folder / "blobs" / prefix, monkeypatch)
    with Store.open(folder) as store:
        go = threading.Event()
        busy = store._core.write(lambda change: go.wait(10))
        stored = [store.add_hit(hit, pictures) for hit, pictures in given]  # committed together
        go.set()
        assert busy.result(20)
        for one in stored:
            one.result(20)
        assert len(store.hits(limit=100)) == 42
        kept = {path.name for path in Blobs(folder / "blobs").files()}
        lost = {name for _, pictures in given for name in pictures} - kept
        assert {name[:2] for name in lost} == {prefix}
        for _ in range(3):
            assert store.losses.now().folder == f"{folder / 'blobs' / prefix} can't be used (Permission denied)"
        add_hits(store, ANN, [300 + next(n for n in range(99) if not _is_in(prefix, 300 + n))])
        assert store.losses.now().folder, "a picture in another folder changes nothing"
        barred.folder = None
        assert store.losses.now().folder == ""


def _is_in(prefix: str, number: int) -> bool:
    return any(name.startswith(prefix) for name in hit_of(ANN, number)[1])


def test_a_picture_that_is_deleted_while_it_is_looked_at_is_no_trouble(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Blobs.files
    monkeypatch.setattr(Blobs, "files", lambda self: [self.folder / "aa" / ".new-gone", *files(self)])
    with Store.open(folder) as store:
        store.losses.look_for_pictures()
        assert store._core.blobs.problem == ""
        assert store.losses.now().pictures == 0


def test_a_damaged_hit_that_is_deleted_before_it_is_made_anew_was_not_made_anew(folder: Path) -> None:
    with Store.open(folder) as store:
        hit_id = newest(store)
    damage_rows(folder, f"UPDATE hits SET body = 'x' || body WHERE hit_id = '{hit_id}'")
    with Store.open(folder) as store:

        def delete() -> None:
            damage_rows(folder, f"DELETE FROM hits WHERE hit_id = '{hit_id}'")

        looks = iter([([hit_id], 1), ([], 0)])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("edge.store.losses.damaged_hits", lambda db, after: next(looks))
            store.losses.look_for_hits(delete)
        assert store.losses.now().hits == 0
        assert store.damage() is None
