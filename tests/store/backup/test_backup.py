"""Backups: whole while the service writes, encrypted, refused when damaged or half; back without losing anything."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import itertools
import sqlite3
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pyrage
import pytest

from edge.errors import ConfigError, ConflictError, CursorExpiredError, ImageError, StoreError
from edge.ops.release.signing import device_key, public_hex
from edge.store import Store
from edge.store.backup import archive, parts, restore
from edge.store.backup import create as create_module
from edge.store.backup.create import create
from tests.support.store import ANN, BOB, NOW, add_hits, kept_files, require_pictures


def test_back_with_everything_under_a_new_epoch(data: Path, tmp_path: Path) -> None:
    file, key = tmp_path / "backup", public_hex(device_key(data))
    with Store.open(data) as store:
        made = create(data, file, NOW)
        epoch, cursor, device = store.epoch, store.head_cursor(), store.box_id
        add_hits(store, BOB, [7])
    assert (made.people, made.hits, made.device_id) == (2, 5, device)
    assert file.stat().st_mode & 0o777 == 0o600
    assert not (data / parts.STAGING).exists()
    restored = restore.restore(file, data, NOW)
    assert restored == made
    with Store.open(data) as store:
        assert {hit.person.person_id for hit in store.hits()} == {ANN.person_id}
        assert [user.name for user in store.users()] == ["ann"]
        assert store.epoch not in (epoch, None)
        with pytest.raises(CursorExpiredError):
            store.feed(cursor, 10)
        gap = [item.body for item in store.feed(None, 500).items if item.type == "gap"]
        assert gap[-1]["cause"] == "database restored"
        assert store.audit_log.verify().problems == ()
        require_pictures(store)
        assert store.box_id == device
    assert public_hex(device_key(data)) == key
    assert (data / "commission" / "20260301.html").read_text() == "a sheet"
    with Store.open(data / parts.REPLACED) as former:
        assert former.count_hits() == 6, "what was there is not lost"


def test_into_an_empty_folder(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup", NOW)
    restore.restore(tmp_path / "backup", tmp_path / "other", NOW)
    with Store.open(tmp_path / "other") as store:
        assert store.count_hits() == 5
        require_pictures(store)


def test_a_picture_that_the_disk_lost_or_damaged_is_left_out_and_told(data: Path, tmp_path: Path) -> None:
    """With it the backup would be made without a word, and could never be restored."""
    gone, cut, *whole = kept_files(data)
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    lost: list[str] = []
    made = create(data, tmp_path / "backup", NOW, tell_lost=lost.append)
    assert sorted(lost) == sorted([gone.name, cut.name])
    assert made.pictures == len(whole)
    restore.restore(tmp_path / "backup", tmp_path / "other", NOW)
    assert [path.name for path in kept_files(tmp_path / "other")] == [path.name for path in whole]
    with Store.open(tmp_path / "other") as store:
        assert (len(store.people()), store.count_hits()) == (2, 5)


@pytest.mark.parametrize("is_erasure", [True, False])
def test_what_is_deleted_meanwhile_ends_a_backup(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_erasure: bool
) -> None:
    """An erasure takes the links away; else a picture is missing of which the database knows nothing any more."""
    facts = create_module._facts

    def deleted_in_between(path: Path, *rest: Any) -> Any:
        found = facts(path, *rest)
        if is_erasure:
            with Store.open(data) as store:
                store.forget_person(ANN.person_id).result(30)
            return found
        with contextlib.closing(sqlite3.connect(data / "edge.db")) as db, db:
            (sha256,) = db.execute("SELECT sha256 FROM images LIMIT 1").fetchone()
            db.execute("DELETE FROM images WHERE sha256 = ?", (sha256,))
        (path.parent / sha256).unlink()
        return found

    monkeypatch.setattr(create_module, "_facts", deleted_in_between)
    with pytest.raises(StoreError, match="somebody was erased while the backup was made"):
        create(data, tmp_path / "backup", NOW)
    assert not (tmp_path / "backup").exists()


def test_made_while_hits_come_and_go(data: Path, tmp_path: Path) -> None:
    """Each backup is one instant: every row has its picture, whatever is stored and deleted meanwhile."""
    stop = threading.Event()
    with Store.open(data) as store:

        def write() -> None:
            for number in itertools.count(100):
                if stop.is_set():
                    return
                add_hits(store, ANN, [number])
                if number % 7 == 0:
                    store.enforce_retention(max_age_days=0, max_image_bytes=4000, min_free_bytes=0, now=NOW).result()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = [create(data, tmp_path / f"backup{turn}", NOW) for turn in range(4)]
        finally:
            stop.set()
            writer.join()
    for turn, manifest in enumerate(made):
        target = tmp_path / f"restored{turn}"
        assert restore.restore(tmp_path / f"backup{turn}", target, NOW) == manifest
        db = sqlite3.connect(target / "edge.db")
        named = {row[0] for row in db.execute("SELECT sha256 FROM images")}
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.close()
        assert {path.name for path in kept_files(target)} == named


KEYS = ["age", "ssh"]


@pytest.mark.parametrize("kind", KEYS)
def test_encrypted_for_a_recipient(data: Path, tmp_path: Path, kind: str) -> None:
    secret, file = tmp_path / "key", tmp_path / "backup"
    if kind == "age":
        drawn = pyrage.x25519.Identity.generate()
        secret.write_text(f"# made by age-keygen\n{drawn}\n")
        recipient = str(drawn.to_public())
    else:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", secret], check=True)
        recipient = str(tmp_path / "key.pub")  # the file that holds it
    made = create(data, file, NOW, [recipient])
    whole = file.read_bytes()
    assert whole.startswith(b"age-encryption.org/v1\n")
    for word in (ANN.name, ANN.person_id, "PRIVATE KEY", "SQLite"):
        assert word.encode() not in whole
    assert restore.look(file, secret) == made
    with pytest.raises(ImageError, match="--identity"):
        restore.look(file)
    (tmp_path / "other").write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(ImageError, match="can't be decrypted"):
        restore.look(file, tmp_path / "other")
    restore.restore(file, tmp_path / "new", NOW, secret)
    with Store.open(tmp_path / "new") as store:
        assert store.count_hits() == 5


@pytest.mark.parametrize("kind", ["plain", *KEYS[:1]])
def test_half_and_altered_files_are_refused_and_change_nothing(data: Path, tmp_path: Path, kind: str) -> None:
    secret, recipients = None, []
    if kind == "age":
        drawn = pyrage.x25519.Identity.generate()
        secret, recipients = tmp_path / "key", [str(drawn.to_public())]
        secret.write_text(str(drawn))
    create(data, tmp_path / "backup", NOW, recipients)
    whole = (tmp_path / "backup").read_bytes()
    bad = tmp_path / "bad"
    before = {path: path.read_bytes() for path in sorted(data.rglob("*")) if path.is_file()}
    for cut in (0, 10, 511, 512, len(whole) // 3, len(whole) // 2, len(whole) - 12_000):
        bad.write_bytes(whole[:cut])
        with pytest.raises(ImageError, match=r"take another copy|half"):
            restore.restore(bad, data, NOW, secret)
    step = len(whole) // 25
    # A bit of what fills a block up to its length means nothing in a tar.
    refused = 0
    for at in range(0, len(whole), step):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            manifest = restore.look(bad, secret)
        except ImageError:
            refused += 1
        else:
            assert manifest == restore.look(tmp_path / "backup", secret)
    assert refused > 20
    assert {path: path.read_bytes() for path in before} == before
    assert not (data / parts.UNPACKED).exists()


@pytest.mark.parametrize("name", ["../edge.db", "/etc/passwd", "blobs/aa/bb", "models/x", "in-use.lock"])
def test_no_file_leaves_the_folder(data: Path, tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "bad", "w") as tar:
        header = tarfile.TarInfo(name)
        header.size = 4
        tar.addfile(header, io.BytesIO(b"evil"))
    with pytest.raises(ImageError, match="no backup does"):
        restore.restore(tmp_path / "bad", data, NOW)
    with tarfile.open(tmp_path / "link", "w") as tar:
        header = tarfile.TarInfo("edge.db")
        header.type, header.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(header)
    with pytest.raises(ImageError, match="no backup does"):
        restore.restore(tmp_path / "link", data, NOW)


def test_a_file_is_never_replaced_nor_put_beside_the_data(data: Path, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("precious")
    with pytest.raises(ConflictError, match="is there already"):
        create(data, tmp_path / "backup", NOW)
    with pytest.raises(ConflictError, match="in the data directory itself"):
        create(data, data / "backup", NOW)
    with pytest.raises(ConfigError, match="neither a key"):
        create(data, tmp_path / "other", NOW, ["bob"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "data"]


def test_a_full_disk_ends_a_backup_with_one_error_and_no_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    unraised: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", unraised.append)
    (tmp_path / "picture").write_bytes(bytes(100_000))
    disk = FullDisk()
    writer = archive.Writer(disk)
    with pytest.raises(OSError, match="No space left"):
        writer.add("picture", tmp_path / "picture")
    disk.close()
    del writer
    gc.collect()
    assert unraised == []
