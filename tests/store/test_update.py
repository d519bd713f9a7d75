"""The database during an update of the program: a migrated copy takes its place, and the old one can come back."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import CursorExpiredError, StoreError
from edge.store import Store, migrate, update
from edge.store.people import copies
from tests.support.store import ANN, BOB, enrol

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def fill(data_dir: Path) -> int:
    with Store.open(data_dir) as store:
        return store.add_item("heartbeat", {"n": 1}).result().seq


def know_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is one migration ahead."""
    now_known = migrate.migrations()
    later = migrate.Migration(now_known[-1].number + 1, "later", "CREATE TABLE later (n INTEGER) STRICT;")
    monkeypatch.setattr(migrate, "migrations", lambda: (*now_known, later))


def test_a_box_without_a_database_needs_nothing(tmp_path: Path) -> None:
    assert update.database_facts(tmp_path).cursor is None
    assert not update.migrate_copy(tmp_path, NOW)
    assert not update.roll_back(tmp_path, NOW)


def test_the_end_of_the_feed_is_told_as_pullers_know_it(tmp_path: Path) -> None:
    seq = fill(tmp_path)
    about = update.database_facts(tmp_path)
    assert about.seq == seq
    with Store.open(tmp_path) as store:
        assert about.cursor == store.head_cursor()


def test_the_same_schema_is_left_alone(tmp_path: Path) -> None:
    fill(tmp_path)
    assert not update.migrate_copy(tmp_path, NOW)
    assert not (tmp_path / update.BEFORE).exists()


def test_migrated_swapped_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seq = fill(tmp_path)
    know_one_more(monkeypatch)
    assert update.migrate_copy(tmp_path, NOW)
    about = update.database_facts(tmp_path)
    assert (about.schema, about.seq) == (about.knows, seq)
    assert (tmp_path / "edge.db").stat().st_mode & 0o777 == 0o600
    update.accept(tmp_path)
    assert not list(tmp_path.glob("edge.db.*"))


def test_taken_back_the_old_program_opens_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seq = fill(tmp_path)
    with Store.open(tmp_path) as store:
        former = store.epoch
    with monkeypatch.context() as newer:
        know_one_more(newer)
        update.migrate_copy(tmp_path, NOW)
        fill(tmp_path)
    with pytest.raises(StoreError, match="newer version"):
        fill(tmp_path)
    assert update.roll_back(tmp_path, NOW)
    with Store.open(tmp_path) as store:
        # What the refused release committed is gone: pullers are told so by a new epoch, not left to find out.
        assert [(item.seq, item.type) for item in store.feed(None, 10).items] == [(seq, "heartbeat"), (seq + 1, "gap")]
        assert store.epoch != former
    assert (tmp_path / "edge.db.refused").exists()


def refuse(data_dir: Path, monkeypatch: pytest.MonkeyPatch, then: Callable[[Store], object] = lambda store: 0) -> str:
    """An update that is tried for a while and rolled back; returns the cursor that a puller had meanwhile."""
    with monkeypatch.context() as newer:
        know_one_more(newer)
        update.migrate_copy(data_dir, NOW)
        with Store.open(data_dir) as store:
            store.add_token("release-check", ["alerts:read"]).result()
            store.add_item("heartbeat", {"n": 2}).result()
            store.revoke_token("release-check").result()
            then(store)
            held = store.head_cursor()
    assert update.roll_back(data_dir, NOW)
    return held


def test_a_rollback_after_which_nothing_is_missing_warns_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Feed and audit heads of the refused database were left beside the restored one, and made it an older one."""
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        store.add_item("heartbeat", {"n": 1}).result()
    held = refuse(tmp_path, monkeypatch)
    with Store.open(tmp_path) as store:
        assert (store.damage(), store.people()) == (None, [ANN])
        with pytest.raises(CursorExpiredError):
            store.feed(held, 10)
        assert [item.body.get("cause") for item in store.feed(None, 10).items][1:] == ["database restored"]
        assert store.audit_log.verify().problems == ()
        epoch = store.epoch
    know_one_more(monkeypatch)
    assert update.migrate_copy(tmp_path, NOW)
    with Store.open(tmp_path) as store:
        assert (store.damage(), store.epoch) == (None, epoch)
    update.accept(tmp_path)


def test_a_rollback_that_takes_somebody_along_warns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
    refuse(tmp_path, monkeypatch, lambda store: enrol(store, BOB))
    with Store.open(tmp_path) as store:
        found = store.damage()
        assert found is not None
        assert (found.state, store.people()) == ("older", [ANN])


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seq = fill(tmp_path)
    known = migrate.migrations()
    bad = migrate.Migration(known[-1].number + 1, "bad", "CREATE TABLE hits (n INTEGER) STRICT;")
    with monkeypatch.context() as newer:
        newer.setattr(migrate, "migrations", lambda: (*known, bad))
        with pytest.raises(StoreError):
            update.migrate_copy(tmp_path, NOW)
    assert update.database_facts(tmp_path).seq == seq
    fill(tmp_path)


def test_a_database_in_use_is_not_swapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path) as store:
        store.add_item("heartbeat", {}).result()
        know_one_more(monkeypatch)
        monkeypatch.setattr(update, "WAIT_S", 0.0)
        with pytest.raises(StoreError, match="stop it first"):
            update.migrate_copy(tmp_path, NOW)


def test_what_a_command_writes_while_the_copy_is_migrated_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seq, migrating = fill(tmp_path), migrate.upgrade
    command = threading.Thread(target=fill, args=(tmp_path,))

    def slow(db: sqlite3.Connection, path: Path, now: dt.datetime) -> None:
        migrating(db, path, now)
        if path.name == update.COPY:
            command.start()
            command.join(2)  # it has to wait until the update is done

    know_one_more(monkeypatch)
    monkeypatch.setattr(migrate, "upgrade", slow)
    assert update.migrate_copy(tmp_path, NOW)
    command.join(60)
    assert update.database_facts(tmp_path).seq == seq + 1


@pytest.mark.parametrize("undo", ["roll back", "erase"])
def test_a_migration_cut_off_before_its_swap_leaves_one_name_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undo: str
) -> None:
    seq = fill(tmp_path)
    with monkeypatch.context() as newer:
        know_one_more(newer)
        newer.setattr(update, "sync", power_cut)
        with pytest.raises(KeyboardInterrupt):
            update.migrate_copy(tmp_path, NOW)
    assert (tmp_path / update.BEFORE).samefile(tmp_path / "edge.db")
    if undo == "roll back":
        assert not update.roll_back(tmp_path, NOW)
    else:
        assert copies.erase_from_copies(tmp_path, ["p1"], [], NOW)
    assert [path.name for path in tmp_path.glob("edge.db*")] == ["edge.db"]
    assert (tmp_path / "edge.db").stat().st_nlink == 1
    assert update.database_facts(tmp_path).seq == seq


def power_cut(path: Path) -> None:
    raise KeyboardInterrupt


def test_somebody_elses_database_is_refused(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "edge.db")
    db.execute("CREATE TABLE other (n)")
    db.commit()
    db.close()
    with pytest.raises(StoreError, match="some other program"):
        update.database_facts(tmp_path)
