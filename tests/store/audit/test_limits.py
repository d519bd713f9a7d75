"""The audit stays within its bytes and rates, and its chain holds all the same."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from pathlib import Path

import pytest

from edge.store import AuditHead, Store, retention
from edge.store.audit import trim
from edge.store.audit.log import MAX_LISTED_READS
from edge.store.audit.tally import Tally
from tests.support.store import ANN, Clock, add_hits, enrol


def retain(store: Store) -> None:
    limits = {"max_age_days": 3650, "max_image_bytes": 10**12, "min_free_bytes": 0}
    store.enforce_retention(**limits, now=store._core.clock()).result(30)


@pytest.fixture
def trimmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box whose audit was trimmed twice."""
    monkeypatch.setattr(trim.trim_if_due, "__defaults__", (20_000,))
    monkeypatch.setattr(trim, "MAX_AT_ONCE", 20)
    with Store.open(tmp_path) as store:
        for _ in range(2):
            for number in range(100):
                store.audit("gwen", "x", f"{number}").result(20)
            retain(store)
    return tmp_path


def test_the_oldest_rows_go_and_a_signed_row_takes_their_place(trimmed: Path) -> None:
    with Store.open(trimmed) as store:
        head = store.audit_head()
        assert head is not None
        report = store.audit_log.verify((head,))
        assert report.problems == ()
        assert report.trimmed > 100
        assert report.entries <= 20_000 / trim.ROW_BYTES
        assert head.seq == report.trimmed + report.entries
        row = next(entry for entry in store.audit_log.newest() if entry.action == trim.ACTION)
        assert (row.detail_json or {})["rows"] == (row.detail_json or {})["last"]
        assert store.audit_log.verify((AuditHead(3, "f" * 64),)).problems == (), "of what went nothing can be said"
        assert store.audit_log.verify((AuditHead(head.seq, "f" * 64),)).problems


@pytest.mark.parametrize(
    ("attack", "found"),
    [
        ("DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)", "is missing"),
        ("DELETE FROM audit WHERE action = 'audit.trim'", "is missing"),
        ("UPDATE audit SET actor = 'eve' WHERE seq = (SELECT min(seq) FROM audit)", "does not follow"),
        (
            "UPDATE audit SET detail = replace(detail, '\"last\":1', '\"last\":2') WHERE action = 'audit.trim'",
            "signature",
        ),
    ],
)
def test_what_was_not_trimmed_is_missed(trimmed: Path, attack: str, found: str) -> None:
    with contextlib.closing(sqlite3.connect(trimmed / "edge.db")) as db:
        db.execute(attack)
        db.commit()
    with Store.open(trimmed) as store:
        problems = store.audit_log.verify().problems
    assert any(found in problem for problem in problems), problems


def test_a_row_signed_with_another_key_is_not_believed(trimmed: Path) -> None:
    (trimmed / trim.KEY_FILE).unlink()
    with Store.open(trimmed) as store:
        assert any("signature is not this box's" in problem for problem in store.audit_log.verify().problems)


def test_equal_reads_are_one_row_and_a_count_and_reads_of_one_kind_are_few(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        noted = [store.audit_log.note_read("gwen", "hit.view", "1", {}) for _ in range(5)]
        assert [one is not None for one in noted] == [True, False, False, False, False]
        for number in range(100):
            store.audit_log.note_read("city", "coverage.view", f"/coverage?from={number}", {})
    with Store.open(tmp_path) as store:
        rows = [(entry.actor, entry.object, entry.detail_json) for entry in reversed(store.audit_log.newest(limit=100))]
    assert [row for row in rows if row[0] == "gwen"] == [("gwen", "1", {}), ("gwen", "1", {"count": 4})]
    of_city = [row for row in rows if row[0] == "city"]
    assert len(of_city) == MAX_LISTED_READS + 1
    assert of_city[-1] == ("city", "more of this kind", {"count": 100 - MAX_LISTED_READS})


def test_a_minute_later_it_is_listed_again() -> None:
    now = [0.0]
    tally: Tally[str] = Tally(1, now=lambda: now[0])
    assert [tally.is_listed("a"), tally.is_listed("a")] == [True, False]
    assert tally.take_counts() == []
    now[0] = 60.0
    assert tally.take_counts() == [("a", 1)]
    assert tally.is_listed("a")


def test_refused_logins_past_a_rate_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.store.accounts.passwords.MAX_LISTED_REFUSALS", 2)
    with Store.open(tmp_path) as store:
        for number in range(5):
            assert store.check_password(f"nobody {number}", "wrong password") is None
    with Store.open(tmp_path) as store:
        failed = [entry for entry in store.audit_log.newest() if entry.action == "login.failed"]
        assert [(entry.detail_json or {}).get("count") for entry in failed] == [3, None, None]
        assert store.audit_log.verify().problems == ()


def test_the_feed_stays_within_its_bytes_and_tells_what_a_puller_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEEP_ALERTS", 5)
    monkeypatch.setattr(retention, "CHUNK", 4)
    monkeypatch.setattr(retention, "ROUND_BYTES", 10_000)
    clock = Clock()
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as store:
        enrol(store, ANN)
        store.add_token("city", ["alerts:read"]).result(10)
        add_hits(store, ANN, range(60))
        each = len(store._core.read(lambda db: db.execute("SELECT body FROM feed").fetchone()[0]))
        monkeypatch.setattr(retention, "MAX_FEED_BYTES", 20 * each)
        retain(store)
        items = store.feed(None, 100).items
        assert 5 <= sum(item.type == "alert.created" for item in items) <= 20
        assert items[-1].type == "gap"
        assert store.count_hits() == sum(item.type == "alert.created" for item in items)


def test_on_a_small_disk_the_feed_leaves_room_for_a_copy_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = 160_000
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(total=total))
    monkeypatch.setattr(retention, "KEEP_ALERTS", 2)
    monkeypatch.setattr(retention, "CHUNK", 2)
    clock = Clock()
    with Store.open(tmp_path, clock=clock, boot_clock=clock.boot) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(30))
        retain(store)
        kept = store._core.read(lambda db: db.execute("SELECT sum(length(body)) FROM feed").fetchone()[0])
        assert 2 <= store.count_hits() < 30
        assert kept <= total / retention.FEED_SHARE


def test_on_a_large_disk_the_feed_has_its_usual_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(total=64_000_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert retention.max_feed_bytes(tmp_path) == retention.MAX_FEED_BYTES
