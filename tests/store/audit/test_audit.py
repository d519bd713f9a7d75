"""The audit chain: what is noted, and that an edit, a cut, a truncation and a swapped database are found."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.store import AuditHead, Store
from edge.store.audit.chain import FILE
from tests.support.store import ANN, BOB, add_hits, enrol, review


def fill(folder: Path) -> None:
    """A box on which something has happened."""
    with Store.open(folder) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        store.add_user("gwen", "guard", "correct horse 1", by="ines").result(10)
        assert store.check_password("gwen", "correct horse 1") is not None
        assert store.check_password("gwen", "wrong password") is None
        assert store.check_password("nobody", "wrong password") is None
        store.add_token("central", ["alerts:read"]).result(10)
        add_hits(store, ANN, [1, 2])
        review(store, "019000000001", "confirmed", "gwen", None).result(10)
        store.audit("gwen", "hit.view", "hit 019000000001", person_id=ANN.person_id).result(10)
        head = store.audit_head()
        assert head is not None
        store.add_item("heartbeat", {"audit": {"seq": head.seq, "sha256": head.sha256}}).result(10)


def test_what_happens_is_noted_and_the_chain_holds(tmp_path: Path) -> None:
    fill(tmp_path)
    with Store.open(tmp_path) as store:
        told = [(entry.actor, entry.action) for entry in reversed(store.audit_log.newest(limit=100))]
        assert told == [
            ("local", "person.put"),
            ("local", "person.put"),
            ("ines", "user.add"),
            ("gwen", "login"),
            ("gwen", "login.failed"),
            ("somebody", "login.failed"),
            ("local", "token.add"),
            ("gwen", "verdict.give"),
            ("gwen", "hit.view"),
        ]
        report = store.audit_log.verify()
        assert report.problems == ()
        assert report.entries == 9
        assert report.head == store.audit_head()
        lines = list(store.audit_log.lines())
        assert [line["seq"] for line in lines] == list(range(1, 10))
        assert lines[-1]["sha256"] == report.head.sha256
        older = store.audit_log.newest(before=3)
        assert [entry.seq for entry in older] == [2, 1]
        assert "correct horse" not in str(lines)
        assert "wrong password" not in str(lines)


def alter(sql: str) -> Callable[[sqlite3.Connection], object]:
    return lambda db: db.executescript(sql)


@pytest.mark.parametrize(
    ("attack", "found"),
    [
        (alter("UPDATE audit SET actor = 'mallory' WHERE seq = 3"), "entry 3 does not follow"),
        (alter("UPDATE audit SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 9"), "entry 9 does not follow"),
        (alter("UPDATE audit SET detail = '{}' WHERE seq = 3"), "entry 3 differs from what was written"),
        (alter("UPDATE audit SET object = 'user eve' WHERE seq = 3"), "entry 3 differs from what was written"),
        (alter("UPDATE audit SET detail = NULL WHERE seq = 3"), "entry 3 is half blanked"),
        (alter("UPDATE audit SET detail = NULL, object = NULL, salt = NULL WHERE seq = 3"), "no erasure accounts"),
        (alter("DELETE FROM audit WHERE seq = 4"), "entry 4 is missing"),
        (alter("DELETE FROM audit WHERE seq <= 2"), "entry 1 is missing"),
        (alter("DELETE FROM audit WHERE seq >= 8"), "cut after entry 7"),
        (alter("DELETE FROM audit"), "cut after entry 0"),
        (
            alter("DELETE FROM audit WHERE seq >= 8; UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit'"),
            "cut after entry 8",  # which says that the database is older than it was
        ),
        (alter("UPDATE audit SET sha256 = printf('%064d', 0) WHERE seq = 9"), "entry 9 does not follow"),
    ],
)
def test_an_alteration_is_found(tmp_path: Path, attack: Callable[[sqlite3.Connection], object], found: str) -> None:
    fill(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "edge.db")) as db:
        attack(db)
        db.commit()
    with Store.open(tmp_path) as store:
        problems = store.audit_log.verify().problems
    assert any(found in problem for problem in problems), problems


@pytest.mark.parametrize("second_place", ["file", "heartbeat", "elsewhere"])
def test_a_rewritten_end_is_found_by_the_head_in_its_second_place(tmp_path: Path, second_place: str) -> None:
    """Who can compute hashes cuts the end off and goes on from there: each copy of the head tells by itself."""
    shutil.rmtree(tmp_path)
    fill(tmp_path)
    with Store.open(tmp_path) as store:
        head = store.audit_head()
        assert head is not None
    with contextlib.closing(sqlite3.connect(tmp_path / "edge.db")) as db:
        db.executescript("DELETE FROM audit WHERE seq >= 8; UPDATE sqlite_sequence SET seq = 7 WHERE name = 'audit'")
        if second_place != "heartbeat":
            db.execute("DELETE FROM feed WHERE type = 'heartbeat'")
        db.commit()
    kept = (tmp_path / FILE).read_bytes()
    with Store.open(tmp_path) as store:
        for _ in range(5):
            store.audit("gwen", "hit.view", "hit 1").result(10)
    with Store.open(tmp_path) as store:
        if second_place == "file":
            (tmp_path / FILE).write_bytes(kept)
        known = (head,) if second_place == "elsewhere" else ()
        problems = store.audit_log.verify(known).problems
        assert any("not the one whose hash was kept elsewhere" in problem for problem in problems), problems
        assert store.audit_log.verify((AuditHead(99, head.sha256),)).problems


def test_erasing_a_person_blanks_what_tells_of_them_and_breaks_nothing(tmp_path: Path) -> None:
    fill(tmp_path)
    with Store.open(tmp_path) as store:
        store.audit("gwen", "search", "hits", {"text": ANN.name}).result(10)
        store.audit("gwen", "search", "hits", {"text": BOB.name}).result(10)
        store.forget_person(ANN.person_id, by="gwen").result(10)
        report = store.audit_log.verify()
        assert report.problems == ()
        last = store.audit_log.newest(limit=1)[0]
        assert (last.actor, last.action) == ("gwen", "person.erase")
        assert last.detail_json is not None
        assert {1, 9, 10} <= set(last.detail_json["blanked"])
        assert report.blanked == len(last.detail_json["blanked"])
        whole = str(list(store.audit_log.lines()))
        assert BOB.name in whole
        assert ANN.name not in whole
        assert ANN.person_id not in whole
    data = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ANN.name.encode() not in data
    assert ANN.person_id.encode() not in data


def test_two_processes_share_one_chain(tmp_path: Path) -> None:
    with Store.open(tmp_path) as one, Store.open(tmp_path) as two:
        futures = [store.audit("a", "x", f"{number}") for number in range(20) for store in (one, two)]
        for future in futures:
            future.result(20)
        report = one.audit_log.verify()
        assert (report.entries, report.problems) == (40, ())


def test_erasing_many_with_short_names_keeps_the_account_of_each(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for number in range(4):
            person = dataclasses.replace(ANN, person_id=str(number), name="1")
            enrol(store, person)
            store.audit("gwen", "search", "hits", {"text": "1", "page": 11}).result(10)
            store.forget_person(person.person_id).result(10)
        report = store.audit_log.verify()
        assert report.problems == ()
        told = [entry.detail_json for entry in store.audit_log.newest(limit=100) if entry.action == "person.erase"]
        assert [len(each["blanked"]) for each in told if each] == [2, 2, 2, 2]


def test_settings_are_noted_when_they_are_others_than_last_time(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        first = {"serve.port": "8080", "camera.door.source": '"file:a.mp4"'}
        for told in (first, first, first | {"serve.port": "8081"}, {"serve.port": "8081"}):
            store.audit_log.record_settings(told).result(10)
        entries = [entry.detail_json for entry in reversed(store.audit_log.newest(limit=10))]
        assert entries == [
            {"camera.door.source": [None, '"file:a.mp4"'], "serve.port": [None, "8080"]},
            {"serve.port": ["8080", "8081"]},
            {"camera.door.source": ['"file:a.mp4"', None]},
        ]
        assert store.audit_log.verify().problems == ()
