"""A copy of a device is found, gets an identity of its own, and a repaired device keeps the one it has."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from edge.errors import CursorExpiredError, NotFoundError, StoreError
from edge.ops.doctor.people import check_identity
from edge.ops.release.signing import device_key, public_hex
from edge.store import Store
from edge.store.identity import identity
from tests.support.store import ANN, NOW, add_hits, enrol

HERE = {"machine_id": ("a",), "serial": ("s1",), "mac": ("m1",), "disk": ("d1",)}
THERE = {"machine_id": ("a",), "serial": ("s2",), "mac": ("m2",), "disk": ("d2",)}


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """A device with a list, a hit, a user, a login, a token and keys, made on the machine `HERE`."""
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1, 2])
        store.add_user("ann", "guard", "correct horse battery").result()
        store.identity.keep(HERE)
        store.accounts.device_key()
    device_key(folder)
    return folder


def test_a_device_is_bound_when_it_is_made(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        found = store.identity.look()
        assert found.bound_at is not None
        assert not found.changed
        assert found.device_id == store.box_id


def test_a_copy_on_another_machine_is_called_a_clone(device: Path) -> None:
    with Store.open(device) as store:
        found = store.identity.settle(THERE)
        assert found.is_clone
        assert found.sentence().startswith(f"this looks like a clone of {store.box_id}: ")
        assert "serial number and MAC address and disk changed" in found.sentence()
        assert store.identity.look(THERE).is_clone, "looking must not accept it"
        check = check_identity(found)
        assert f"of gate 3 (setting box_id; made here: {store.box_id}): " in check_identity(found, "gate 3").found
        assert check.status == "fail"
        assert "edge identity new" in (check.fix or "")


def test_repairs_one_after_the_other_do_not_add_up_to_a_clone(device: Path) -> None:
    with Store.open(device) as store:
        now = dict(HERE)
        for kind in ("mac", "disk", "machine_id", "mac"):
            now |= {kind: (now[kind][0] + "x",)}
            found = store.identity.settle(now)
            assert found.changed == (kind,)
            assert not found.is_clone
            assert check_identity(found).status == "pass"
            assert check_identity(found, "gate 3").found.startswith("gate 3 (setting box_id; made here: ")
        assert store.audit_log.verify().problems == ()


def test_a_disk_that_was_moved_for_good_is_kept(device: Path) -> None:
    with Store.open(device) as store:
        store.identity.keep(THERE)
        assert not store.identity.look(THERE).changed
        assert store.identity.look(HERE).is_clone


def test_a_new_identity_shares_nothing_with_the_former(device: Path) -> None:
    with Store.open(device) as store:
        token = store.add_token("central", ["alerts:read"]).result()
        session = store.add_session("ann", 12).result()
        former, epoch, cursor = store.box_id, store.epoch, store.head_cursor()
        device_secret = store.accounts.device_key()
    (device / "tls.crt").write_text("former")
    key = public_hex(device_key(device))
    assert identity.renew(device, NOW, THERE)[0] == former
    assert not (device / "tls.crt").exists()
    assert public_hex(device_key(device)) != key
    with Store.open(device) as store:
        assert store.box_id != former
        assert store.epoch != epoch
        assert store.accounts.device_key() != device_secret
        assert store.check_token(token) is None
        assert store.check_session(session) is None
        assert not store.identity.look(THERE).changed
        assert [user.name for user in store.users()] == ["ann"]
        assert [person.person_id for person in store.people()] == [ANN.person_id]
        assert store.count_hits() == 2
        assert store.audit_log.verify().problems == ()
        with pytest.raises(CursorExpiredError):
            store.feed(cursor, 10)
        assert [item.body["cause"] for item in store.feed(None, 500).items if item.type == "gap"] == ["new identity"]
        with pytest.raises(NotFoundError):
            store.revoke_token("central").result()


def test_renewed_twice_the_chain_of_the_audit_holds(device: Path) -> None:
    for _ in range(2):
        identity.renew(device, dt.datetime.now(dt.UTC))
    with Store.open(device) as store:
        assert store.audit_log.verify().problems == ()


def test_no_new_identity_while_somebody_has_the_store_open(device: Path) -> None:
    with Store.open(device) as store:
        with pytest.raises(StoreError, match="stop it first"):
            identity.renew(device, NOW)
        former = store.box_id
    with Store.open(device) as store:
        assert store.box_id == former
    with pytest.raises(StoreError, match="not made yet"):
        identity.renew(device / "none", NOW)


def test_cut_off_between_keys_and_rows_it_is_a_clone_still(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(identity, "_renew_rows", cut)
    with pytest.raises(KeyboardInterrupt):
        identity.renew(device, NOW, THERE)
    assert not (device / "box.key").exists()
    with Store.open(device) as store:
        assert store.identity.look(THERE).is_clone


def test_the_new_id_survives_the_loss_of_the_table_of_facts(device: Path) -> None:
    made = identity.renew(device, NOW)[1]
    with sqlite3.connect(device / "edge.db") as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'meta'").fetchone()[0]
    db.close()
    with (device / "edge.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\0" * 4096)
    with Store.open(device) as store:
        assert store.damage() is not None
        assert store.box_id == made
        assert store.audit_log.verify().problems == ()
