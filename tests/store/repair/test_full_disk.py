"""A damaged database on a disk without room for a copy: room is made as on any full disk, or it is said why not."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store import Store, reserve, retention
from edge.store.database import writer
from edge.store.repair import former_data
from edge.store.repair.former_data import QUARANTINE
from tests.support.mounts import mounted
from tests.support.store import ANN, BOB, PAGE, add_hits, enrol, require_pictures

DISK = "size=40m"
PADDING = 300_000
MORE = "x" * PADDING


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", DISK) as folder:
        yield folder / "data"


def make(folder: Path, *, num_bytes: int, pictures: int, picture_bytes: int = 200_000) -> str:
    """A store with a large database and some pictures, whose index of hits is then damaged; returns its epoch."""
    with Store.open(folder) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 1 + pictures), num_bytes=picture_bytes)
        for _ in range(num_bytes // PADDING):
            store.add_item("health", {"subject": "padding", "state": "ok", "detail": MORE}).result(20)
        epoch = store.epoch
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'trims'").fetchone()
    with (folder / "edge.db").open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(bytes(PAGE))
    return epoch


def fill(folder: Path, leave: int = 0) -> Path:
    """Take what is left of the disk."""
    filler = folder.parent / "filler"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_bsize
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while free > leave:
            free -= file.write(b"\0" * min(65_536, free - leave))
    return filler


def told(store: Store) -> list[str]:
    return [str(item.body.get("detail")) for item in store.feed(None, 500).items if item.body.get("detail") != MORE]


def test_the_copy_of_earlier_damage_goes_first_and_no_picture_does(disk: Path) -> None:
    epoch = make(disk, num_bytes=2_500_000, pictures=5)
    (disk / QUARANTINE).mkdir()
    (disk / QUARANTINE / "edge.db").write_bytes(b"\0" * 28_000_000)
    fill(disk)
    with Store.open(disk) as store:
        assert store.epoch != epoch
        assert store.count_hits() == 5
        assert store.check() == []
        require_pictures(store)
        mended = store.damage()
        assert mended is not None
        assert "the copy of a damaged database (28 MB): deleted to make room" in told(store)
        assert "pictures of hits" not in mended.detail
        add_hits(store, ANN, [100])
    assert (disk / QUARANTINE / "edge.db").stat().st_size < 4_000_000, "the new damage is in quarantine"


def test_then_the_oldest_pictures_go_and_people_keep_theirs(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SHED_BYTES", 3_000_000)
    make(disk, num_bytes=10_000_000, pictures=60)
    (disk / "reserve").unlink()
    fill(disk)
    with Store.open(disk) as store:
        mended = store.damage()
        assert mended is not None
        assert "pictures of hits" in mended.detail
        assert "was not kept" in mended.detail, "it takes more than a tenth of this disk"
        assert not (disk / QUARANTINE).exists()
        assert store.count_hits() == 60, "alerts are never shed for it"
        frames = [store.image_path(hit.images.frame) is not None for hit in reversed(store.hits(limit=100))]
        assert frames == sorted(frames), "the oldest went"
        assert frames[-1]
        assert not frames[0]
        (reference,) = store.references(person_id=ANN.person_id)
        assert store.image_path(reference.image_sha256) is not None
        for sha256, num_bytes in store._core.read(
            lambda db: db.execute("SELECT sha256, num_bytes FROM images")
        ).fetchall():
            assert store._core.blobs.has(sha256, num_bytes), "no row without its picture"
        enrol(store, BOB)
        add_hits(store, BOB, [100])


def test_without_any_room_nothing_is_deleted_and_it_is_said(disk: Path) -> None:
    make(disk, num_bytes=12_000_000, pictures=5)
    filler = fill(disk)
    before = sorted((disk / "blobs").glob("*/*"))
    for _ in range(2):
        with pytest.raises(StoreError, match="the database is damaged, and there is no room to copy"):
            Store.open(disk)
    assert sorted((disk / "blobs").glob("*/*")) == before
    assert not list(disk.glob("edge.db.rep*"))
    filler.unlink()
    with Store.open(disk) as store:
        assert store.count_hits() == 5
        require_pictures(store)


def test_an_error_of_a_full_disk_is_not_taken_for_damage(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that the copy had no room for would be told to be unreadable, and be lost."""
    make(disk, num_bytes=9_000_000, pictures=3)
    fill(disk, leave=3_000_000)
    monkeypatch.setattr("edge.store.repair.room.make", lambda path, blobs, wanted: False)
    with pytest.raises(StoreError, match="no room to copy"):
        Store.open(disk)


def test_damage_without_room_while_it_runs_is_mended_as_soon_as_there_is(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MEND_EVERY_S", 0.2)
    make(disk, num_bytes=0, pictures=1)
    with Store.open(disk) as store:
        for _ in range(40):
            store.add_item("health", {"subject": "padding", "state": "ok", "detail": MORE}).result(20)
        (disk / "reserve").unlink(missing_ok=True)
        (page,) = store._core.read(
            lambda db: db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'trims'")
        ).fetchone()
        store._core.write(
            lambda change: None, finish=lambda db, _: db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ).result(20)
        with (disk / "edge.db").open("r+b") as file:
            file.seek((page - 1) * PAGE)
            file.write(bytes(PAGE))
        filler = fill(disk)
        store.repair()
        with pytest.raises(StoreError, match="no room to copy"):
            add_hits(store, ANN, [50])
        trouble = store.trouble()
        assert trouble is not None
        assert "no room to copy" in trouble[1]
        filler.unlink()
        while store.trouble() is not None:
            time.sleep(0.05)
            with contextlib.suppress(StoreError):
                add_hits(store, ANN, [51])
        assert store.trouble() is None
        assert store.check() == []
        assert {hit.hit_id for hit in store.hits()} == {"019000000001", "019000000051"}


def test_a_full_disk_without_its_reserve_opens(disk: Path) -> None:
    with Store.open(disk) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 101), num_bytes=300_000)
    (disk / "reserve").unlink()
    fill(disk)
    with Store.open(disk) as store:
        assert store.count_hits() == 100
        assert store.damage() is None
        assert store.image_path(store.hits(limit=1)[0].images.frame) is not None, "the newest stays"
        missing = [
            sha256
            for (sha256,) in store._core.read(lambda db: db.execute("SELECT sha256 FROM images").fetchall())
            if not store._core.blobs.path(sha256).is_file()
        ]
        assert missing == []
        add_hits(store, ANN, [200], num_bytes=300_000)


def test_rows_whose_files_a_kill_left_behind_are_deleted_by_the_hourly_sweep(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 4))
        lost = store.hits()[-1].images.frame
        store._core.write(lambda change: change.db.execute("DELETE FROM meta WHERE key = 'last_sweep_at'")).result(10)
        (tmp_path / "blobs" / lost[:2] / lost).unlink()
    with Store.open(tmp_path) as store:
        assert store.image_path(lost) is None
        assert store.count_hits() == 3


def test_rows_stay_while_the_whole_folder_of_pictures_is_away(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 4))
        store._core.write(lambda change: change.db.execute("DELETE FROM meta WHERE key = 'last_sweep_at'")).result(10)
    (tmp_path / "blobs").rename(tmp_path / "away")
    with Store.open(tmp_path) as store:
        assert store.check() == []
    shutil.rmtree(tmp_path / "blobs")
    (tmp_path / "away").rename(tmp_path / "blobs")
    with Store.open(tmp_path) as store:
        require_pictures(store)


def test_a_disk_that_is_short_drops_former_data_before_pictures_and_tells_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "free_bytes", lambda folder: 1_000_000)  # others write to this disk meanwhile
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(1, 10), num_bytes=20_000)
        (tmp_path / QUARANTINE).mkdir()
        (tmp_path / QUARANTINE / "edge.db").write_bytes(b"\0" * 3_000_000)
        report = store.enforce_retention(
            max_age_days=3650, max_image_bytes=10**12, min_free_bytes=1_500_000, now=store._core.clock()
        ).result(20)
        assert report.images_removed == 0
        (item,) = [one for one in store.feed(None, 100).items if one.type == "health"]
        assert (item.body["subject"], item.body["state"]) == (former_data.QUARANTINE, former_data.DROPPED)
        assert "3 MB" in item.body["detail"]
    assert not (tmp_path / QUARANTINE).exists()
