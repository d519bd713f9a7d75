"""Pictures and the disk: orphans of a crash, a full disk, files whose rows went before."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from edge.errors import StoreError
from edge.store import Store, migrate, reserve
from tests.support.mounts import mounted
from tests.support.store import ANN, BOB, NOW, Clock, add_hits, enrol, hit_of, kept_files, picture


def test_orphans_of_a_crash_are_swept_but_young_ones_are_not(tmp_path: Path) -> None:
    clock = Clock()
    with Store.open(tmp_path, clock=clock) as store:
        enrol(store, ANN)
    (kept,) = kept_files(tmp_path)
    old, young = picture("old orphan"), picture("young orphan")
    for sha256, data in (old, young):
        path = tmp_path / "blobs" / sha256[:2] / sha256
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    temporary = kept.parent / ".new-abc"
    temporary.write_bytes(b"half a pic")
    (kept.parent / "README").write_text("not ours")
    for path in (kept, temporary, kept.parent / "README", tmp_path / "blobs" / old[0][:2] / old[0]):
        os.utime(path, (time.time() - 7200,) * 2)
    Store.open(tmp_path, clock=clock).close()
    assert len(kept_files(tmp_path)) == 5, "swept at most once an hour"
    clock.forward(hours=2)
    Store.open(tmp_path, clock=clock).close()
    assert {path.name for path in kept_files(tmp_path)} == {kept.name, young[0], "README"}


def test_a_picture_swept_between_file_and_row_is_written_again(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        hit, pictures = hit_of(ANN, 1)
        started, go = Future[None](), Future[None]()

        def hold(item: object) -> None:
            started.set_result(None)
            go.result(10)

        unsubscribe = store.subscribe(hold)
        store.add_item("heartbeat", {})
        started.result(10)  # the writer thread is held: the next job waits
        unsubscribe()
        future = store.add_hit(hit, pictures)
        write = store._core.blobs.write
        writes: list[str] = []

        def write_and_lose(sha256: str, data: bytes) -> None:
            write(sha256, data)
            writes.append(sha256)
            if writes.count(sha256) == 1:
                store._core.blobs.path(sha256).unlink()

        store._core.blobs.write = write_and_lose  # type: ignore[method-assign]
        go.set_result(None)
        future.result(10)
        for sha256 in pictures:
            path = store.image_path(sha256)
            assert path is not None
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def test_on_a_full_disk_alerts_are_kept_and_the_oldest_pictures_go(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=48m") as folder, Store.open(folder) as store:
        enrol(store, ANN)
        acknowledged = []
        for start in range(0, 60, 5):  # 60 frames of 1.5 MB on a disk of 48 MB
            pending = [store.add_hit(*hit_of(ANN, start + n, num_bytes=1_500_000)) for n in range(5)]
            acknowledged += [future.result(30).seq for future in pending]
        assert acknowledged == list(range(1, 61))
        assert store.count_hits() == 60
        assert store.image_path(hit_of(ANN, 0, num_bytes=1_500_000)[0].images.frame) is None
        newest = store.image_path(hit_of(ANN, 59, num_bytes=1_500_000)[0].images.frame)
        assert newest is not None
        assert newest.exists()
        assert store.image_path(hit_of(ANN, 0)[0].images.reference), "references are never shed"
        assert store.check() == []
        assert store.feed(None, 100).items[-1].seq == 60
    # what is full with other people's files
    with mounted(tmp_path / "full", "size=24m") as folder:
        with Store.open(folder) as store:
            enrol(store, BOB)
        (folder / "reserve").unlink(missing_ok=True)
        with Store.open(folder) as store:
            with contextlib.suppress(OSError), (folder / "film").open("wb") as film:
                while True:
                    film.write(bytes(65536))
            with pytest.raises(StoreError, match="disk is full"):
                store.add_hit(*hit_of(BOB, 1, num_bytes=1_500_000)).result(10)
            assert store.people() == [BOB]
            (folder / "film").unlink()
            assert store.add_hit(*hit_of(BOB, 1, num_bytes=1_500_000)).result(10).seq == 1


def test_a_write_that_finds_the_disk_full_sheds_the_oldest_picture_and_is_tried_once_more(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1])
        write = store._core.blobs.write
        failures = iter([OSError(errno.ENOSPC, "No space left on device"), None])

        def write_on_a_full_disk(sha256: str, data: bytes) -> None:
            if (error := next(failures, None)) is not None:
                raise error
            write(sha256, data)

        store._core.blobs.write = write_on_a_full_disk  # type: ignore[method-assign]
        pending = [store.add_hit(*hit_of(ANN, 3)), store.update_hit(*hit_of(ANN, 5, hit_id=hit_of(ANN, 3)[0].hit_id))]
        assert [future.result(10).seq for future in pending] == [2, 3], "the update did not overtake its alert"
        assert store.image_path(hit_of(ANN, 1)[0].images.frame) is None
        assert store.image_path(hit_of(ANN, 3)[0].images.frame) is not None
        assert (tmp_path / "reserve").stat().st_size > 0, "laid out again, for there is room"


def test_files_whose_rows_went_before_a_crash_go_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path) as store, monkeypatch.context() as crash:
        enrol(store, ANN)
        crash.setattr("edge.store.images.delete_released", lambda db, blobs, seconds=0: True)
        store.forget_person("ann-1").result(10)
        assert len(kept_files(tmp_path)) == 1
    Store.open(tmp_path).close()
    assert kept_files(tmp_path) == []


def fill_disk(folder: Path) -> None:
    """What other programs may do."""
    with contextlib.suppress(OSError), (folder / "film").open("wb", buffering=0) as film:
        while True:
            film.write(bytes(4096))


def test_a_full_disk_is_opened_with_the_reserve_and_sheds_as_a_running_service_does(tmp_path: Path) -> None:
    with mounted(tmp_path / "full", "size=60m") as folder:
        with Store.open(folder) as store:
            enrol(store, ANN)
            add_hits(store, ANN, range(20), num_bytes=1_500_000)
            head = store.feed(None, 100).next
        fill_disk(folder)
        assert (folder / "reserve").exists()
        with Store.open(folder) as store:
            add_hits(store, ANN, [20, 21], num_bytes=1_500_000)
            assert [item.seq for item in store.feed(head, 100).items] == [21, 22]
            assert store.count_hits() == 22
            oldest, newest = (hit_of(ANN, number, num_bytes=1_500_000)[0].images for number in (0, 19))
            assert store.image_path(oldest.frame) is None
            assert store.image_path(newest.frame) is not None
            assert store.image_path(oldest.reference or "") is not None
            assert store.check() == []
        assert (folder / "reserve").exists(), "laid out again, for there is room"


def test_a_full_disk_with_nothing_to_shed_is_opened_with_the_reserve(tmp_path: Path) -> None:
    with mounted(tmp_path / "full", "size=24m") as folder:
        with Store.open(folder) as store:
            enrol(store, ANN)
        fill_disk(folder)
        with Store.open(folder) as store:
            add_hits(store, ANN, [1])
        assert not (folder / "reserve").exists()
        fill_disk(folder)
        with pytest.raises(StoreError, match=r"the disk is full; free some space"):
            Store.open(folder)


def test_a_full_disk_does_not_keep_an_update_from_its_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: released[:-1])
    with mounted(tmp_path / "full", "size=40m") as folder:
        with contextlib.closing(migrate.open_database(folder / "edge.db", NOW)):
            (folder / "blobs").mkdir()
            reserve.create(folder)
        fill_disk(folder)
        monkeypatch.setattr(migrate, "migrations", lambda: released)
        with Store.open(folder) as store:
            enrol(store, ANN)
