"""A restore that is cut off, refused or repeated loses nothing, and says what it replaced."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import ImageError, StoreError
from edge.store import Store
from edge.store.backup import archive, parts, restore
from edge.store.backup.create import create
from tests.support.store import ANN, BOB, NOW, add_hits, hit_of, kept_files, require_pictures


def test_refused_while_somebody_has_the_store_open(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup", NOW)
    with Store.open(data) as store:
        add_hits(store, ANN, [9])
        with pytest.raises(StoreError, match="stop it first"):
            restore.restore(tmp_path / "backup", data, NOW)
    with Store.open(data) as store:
        assert store.count_hits() == 6


class Cut(BaseException):
    """The power goes."""


def cut_after(monkeypatch: pytest.MonkeyPatch, number: int) -> Callable[[], int]:
    """Break off before the rename or removal of that number; returns how many there were."""
    done = 0
    real = {name: getattr(Path, name) for name in ("replace", "rename", "rmdir")}

    def counting(name: str) -> Callable[..., object]:
        def call(path: Path, *rest: object) -> object:
            nonlocal done
            if done == number:
                raise Cut
            done += 1
            return real[name](path, *rest)

        return call

    for name in real:
        monkeypatch.setattr(Path, name, counting(name))
    return lambda: done


def test_a_kill_at_any_step_leaves_the_former_data_or_the_backup(data: Path, tmp_path: Path) -> None:
    with Store.open(data) as store:
        create(data, tmp_path / "backup", NOW)
        add_hits(store, BOB, range(20, 23))
    original = tmp_path / "original"
    subprocess.run(["cp", "-a", data, original], check=True)
    found = []
    for number in range(100):
        subprocess.run(["rm", "-rf", data], check=True)
        subprocess.run(["cp", "-a", original, data], check=True)
        with pytest.MonkeyPatch.context() as monkeypatch:
            steps = cut_after(monkeypatch, number)
            with contextlib.suppress(Cut):
                restore.restore(tmp_path / "backup", data, NOW)
            is_through = steps() < number
        with Store.open(data) as store:
            found.append(store.count_hits())
            assert store.count_hits() in (8, 5), f"after step {number}"
            require_pictures(store)
            assert store.audit_log.verify().problems == ()
            assert {path.name for path in data.iterdir()} & {parts.READY, parts.MOVING} == set()
        former = data / parts.REPLACED
        if found[-1] == 5:
            with Store.open(former) as kept:
                assert kept.count_hits() == 8
        if is_through:
            break
    assert {5, 8} <= set(found)
    assert number > 8


def test_twice_cut_off_and_still_nothing_is_lost(data: Path, tmp_path: Path) -> None:
    """A kill in the middle of the swap, and a kill of the start that goes on with it."""
    create(data, tmp_path / "backup", NOW)
    original = tmp_path / "original"
    subprocess.run(["cp", "-a", data, original], check=True)
    for first, second in itertools.product((3, 6, 9), (1, 4, 7)):
        subprocess.run(["rm", "-rf", data], check=True)
        subprocess.run(["cp", "-a", original, data], check=True)
        for turn, number in enumerate((first, second)):
            with pytest.MonkeyPatch.context() as monkeypatch:
                cut_after(monkeypatch, number)
                with contextlib.suppress(Cut):
                    restore.restore(tmp_path / "backup", data, NOW) if turn == 0 else Store.open(data).close()
        with Store.open(data) as store:
            assert store.count_hits() == 5
            require_pictures(store)


def test_an_erasure_takes_what_a_restore_and_a_killed_backup_left(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup", NOW)
    restore.restore(tmp_path / "backup", data, NOW)
    staging = data / parts.STAGING
    staging.mkdir()
    os.link(kept_files(data)[0], staging / "a-link")
    (data / "quarantine").mkdir()
    (data / "quarantine" / "edge.db").write_text(f"a damaged page with {ANN.name} on it")
    with Store.open(data) as store:
        found = store.traces([ANN.person_id, ANN.name])
        assert found["quarantine"] == 1
        assert found["copies"] >= 1
        assert store.forget_person(ANN.person_id).result(60).is_scrubbed
        assert store.traces([ANN.person_id, ANN.name]) == {}
    left = {path.name for path in data.iterdir()}
    assert not left & {parts.REPLACED, parts.STAGING, "quarantine"}


def test_a_backup_keeps_who_was_erased_since_and_restoring_says_so(data: Path, tmp_path: Path) -> None:
    made = create(data, tmp_path / "backup", NOW)
    with Store.open(data) as store:
        store.forget_person(ANN.person_id).result(60)
    present = restore.present(data, made.made_at)
    assert present is not None
    assert (present.people, present.erased_since) == (1, 1)


def test_a_newer_programs_backup_is_refused(data: Path, tmp_path: Path) -> None:
    with sqlite3.connect(data / "edge.db") as db:
        db.execute("INSERT INTO migrations VALUES (999, 'later', 'x', 'x')")
    db.close()
    create(data, tmp_path / "backup", NOW)
    with pytest.raises(StoreError, match="newer version"):
        restore.restore(tmp_path / "backup", tmp_path / "other", NOW)
    assert not (tmp_path / "other" / "edge.db").exists()


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "backup").open("wb") as file:
        writer = archive.Writer(file)
        writer.finish(archive.Manifest("edge-1", "now", "9", "e", 1, 0, 0, 0, format=9))
    with pytest.raises(ImageError, match="format 9"):
        restore.look(tmp_path / "backup")


@pytest.mark.parametrize(
    "manifest", [b"[" * 200_000, b'{"files": {"edge.db": [Infinity, ""]}}'], ids=["deep", "endless"]
)
def test_a_manifest_that_no_program_wrote_is_refused_in_words(tmp_path: Path, manifest: bytes) -> None:
    with tarfile.open(tmp_path / "backup", "w") as tar:
        member = tarfile.TarInfo("manifest.json")
        member.size = len(manifest)
        tar.addfile(member, io.BytesIO(manifest))
    with pytest.raises(ImageError, match="manifest can't be read"):
        restore.look(tmp_path / "backup")


@pytest.mark.parametrize(("former", "latter"), [(b'"people": 2', b'"people": 3'), (b'"made_at": "2', b'"made_at": "3')])
def test_a_manifest_that_was_changed_is_noticed(data: Path, tmp_path: Path, former: bytes, latter: bytes) -> None:
    create(data, tmp_path / "backup", NOW)
    whole = (tmp_path / "backup").read_bytes()
    assert whole.count(former) == 1
    (tmp_path / "backup").write_bytes(whole.replace(former, latter))
    with pytest.raises(ImageError, match="manifest is not what was written"):
        restore.look(tmp_path / "backup")


def with_manifest(backup: Path, path: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Path:
    """The backup with another manifest, at `path`."""
    with tarfile.open(backup) as made, tarfile.open(path, "w") as other:
        for member in made:
            content = made.extractfile(member)
            assert content is not None
            kept = content.read()
            if member.name == archive.MANIFEST:
                kept = json.dumps(change(json.loads(kept))).encode()
            member.size = len(kept)
            other.addfile(member, io.BytesIO(kept))
    return path


@pytest.mark.parametrize(
    "wrong", [{"people": None}, {"hits": "x"}, {"made_at": 5}, {"head": 1.5}, {"epoch": []}, {"files": {"edge.db": 5}}]
)
def test_a_manifest_of_other_types_is_refused_though_nothing_vouches_for_it(
    data: Path, tmp_path: Path, wrong: dict[str, object]
) -> None:
    create(data, tmp_path / "backup", NOW)
    other = with_manifest(tmp_path / "backup", tmp_path / "other", lambda told: {**told, **wrong, "sha256": ""})
    with pytest.raises(ImageError, match="manifest can't be read"):
        restore.look(other)


def test_a_backup_of_an_earlier_version_is_taken_and_known(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup", NOW)

    def without_hash(told: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in told.items() if name != "sha256"}

    old = with_manifest(tmp_path / "backup", tmp_path / "old", without_hash)
    assert restore.look(tmp_path / "backup").sha256
    assert restore.restore(old, tmp_path / "other", NOW).sha256 == ""


def test_hits_of_the_time_after_are_told_apart_by_epoch(data: Path, tmp_path: Path) -> None:
    create(data, tmp_path / "backup", NOW)
    with Store.open(data) as store:
        lost = store.add_hit(*hit_of(ANN, 50)).result().seq
        former = store.epoch
    restore.restore(tmp_path / "backup", data, NOW)
    with Store.open(data) as store:
        add_hits(store, ANN, [51, 52])
        page = store.feed(None, 500)
        assert page.epoch != former
        assert lost in {item.seq for item in page.items}, "the number is given again, under another epoch"
