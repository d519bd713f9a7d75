"""A puller that keeps the contract ends with exactly what was committed, whatever crashes, is cut off or restored."""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge.errors import CursorExpiredError
from edge.store import Store
from edge.store.feed import cursor
from edge.store.feed.epoch_file import FILE
from tests.support.store import ANN, BOB, Clock, add_hits, enrol, hit_of


class Puller:
    """Follows the contract: the cursor is kept after the items, what comes again is dropped by (epoch, seq)."""

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.former: list[str | None] = [None]
        self.items: dict[tuple[str, int], str] = {}
        self.told: list[tuple[int, int]] = []
        self.lost: dict[str, set[int]] = {}
        """Numbers it was told are gone, or that were gone before its first pull."""

    def pull(self, store: Store, limit: int) -> bool:
        """One answer; whether there is more."""
        try:
            page = store.feed(self.cursor, limit)
        except CursorExpiredError as error:
            assert self.cursor is not None
            epoch, seq = cursor.decode(self.cursor)
            known, floor = seq if epoch == store.epoch else 0, cursor.decode(error.oldest)[1]
            self.told += [(error.lost, floor - known), (error.is_least, epoch != store.epoch)]
            self.lost.setdefault(store.epoch, set()).update(range(known + 1, floor + 1))
            self._go_to(error.oldest)
            return True
        for item in page.items:
            told = f"{item.type} {item.body.get('hit_id')}"
            known = self.items.setdefault((page.epoch, item.seq), told)
            assert known == told, "one seq, two items"
        if self.cursor is None:
            # What was cut off before its first pull is no loss it could be told of.
            first = page.items[0].seq if page.items else store.head_seq() + 1
            self.lost.setdefault(page.epoch, set()).update(range(1, first))
        self._go_to(page.next)
        return page.more

    def _go_to(self, to: str) -> None:
        self.former.append(self.cursor)
        self.cursor = to


class Feed(RuleBasedStateMachine):
    """A box, its backups, and one puller."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp())
        self.folder = self.root / "0"
        self.clock = Clock()
        self.puller = Puller()
        self.committed: dict[str, set[int]] = {}
        self.backups: list[Path] = []
        self.number = 0
        self.lives = 0
        self._open()
        enrol(self.store, ANN)
        self.store.add_token("central", ["alerts:read"]).result(10)

    def _open(self) -> None:
        self.store = Store.open(self.folder, clock=self.clock, boot_clock=self.clock.boot)
        # the first sight of an epoch: all that was ever numbered in this database belongs to it
        self.committed.setdefault(self.store.epoch, set()).update(range(1, self.store.head_seq() + 1))

    def _note(self, seq: int) -> None:
        kept = self.committed[self.store.epoch]
        assert seq not in kept, "a number was given twice"
        kept.add(seq)

    @rule(count=st.integers(1, 6), with_update=st.booleans())
    def commit(self, count: int, with_update: bool) -> None:
        if self.store.person(ANN.person_id) is None:
            enrol(self.store, ANN)
        for _ in range(count):
            self.number += 1
            self.clock.forward(seconds=1)
            hit_id = f"h{self.number:06d}"
            self._note(self.store.add_hit(*hit_of(ANN, self.number, hit_id=hit_id)).result(10).seq)
        if with_update:
            self._note(self.store.update_hit(*hit_of(ANN, self.number + 1, hit_id=hit_id)).result(10).seq)

    @rule()
    def beat(self) -> None:
        self._note(self.store.add_item("heartbeat", {}).result(10).seq)

    @rule(limit=st.integers(1, 5))
    def pull(self, limit: int) -> None:
        self.puller.pull(self.store, limit)

    @rule(back=st.integers(1, 3))
    def puller_crashes(self, back: int) -> None:
        """It had the items, and not yet its cursor."""
        self.puller.cursor = self.puller.former[-min(back, len(self.puller.former))]

    @rule()
    def restart(self) -> None:
        epoch = self.store.epoch
        self.store.close()
        self._open()
        assert self.store.epoch == epoch

    @rule()
    def power_cut(self) -> None:
        """What lies on the disk at this instant is all there is."""
        self.lives += 1
        epoch, after = self.store.epoch, self.root / str(self.lives)
        shutil.copytree(self.folder, after)
        self.store.close()
        self.folder = after
        self._open()
        assert self.store.epoch == epoch

    @rule(days=st.floats(0.0001, 1))
    def retention(self, days: float) -> None:
        self.clock.forward(hours=6)
        now = self.clock() + dt.timedelta(seconds=1)
        head = self.store.head_seq()
        self.store.enforce_retention(max_age_days=days, max_image_bytes=0, min_free_bytes=0, now=now).result(10)
        for seq in range(head + 1, self.store.head_seq() + 1):
            self._note(seq)

    @rule()
    def back_up(self) -> None:
        """A file copy of the database of a box that is down; the file beside it stays where it is."""
        self.store.close()
        kept = self.root / f"backup-{len(self.backups)}.db"
        shutil.copy(self.folder / "edge.db", kept)
        self.backups.append(kept)
        self._open()

    @precondition(lambda self: self.backups)
    @rule(which=st.integers(0, 9), more=st.integers(1, 3))
    def restore(self, which: int, more: int) -> None:
        for _ in range(more):  # so that the backup is older
            self.beat()
        self._replace(self.backups[which % len(self.backups)])

    @rule()
    def wipe(self) -> None:
        self.beat()
        self._replace(None)
        self.store.add_token("central", ["alerts:read"]).result(10)

    def _replace(self, by: Path | None) -> None:
        epoch = self.store.epoch
        self.store.close()
        for file in self.folder.glob("edge.db*"):
            file.unlink()
        if by is not None:
            shutil.copy(by, self.folder / "edge.db")
        self._open()
        assert self.store.epoch != epoch

    @invariant()
    def nothing_but_the_committed(self) -> None:
        for epoch, seq in getattr(getattr(self, "puller", None), "items", {}):
            assert seq in self.committed[epoch]

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        while self.puller.pull(self.store, 3):
            pass
        epoch = self.store.epoch
        got = {seq for at, seq in self.puller.items if at == epoch}
        missing = self.committed[epoch] - got
        kept = {item.seq for item in self.store.feed(None, 100_000).items}
        assert kept <= got
        assert all(told == counted for told, counted in self.puller.told)
        assert missing <= self.puller.lost.get(epoch, set()), "an item is missing and nobody said so"
        self.store.close()
        shutil.rmtree(self.root)


TestFeed = Feed.TestCase
TestFeed.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)


def cursor_of(store: Store) -> str:
    return store.feed(None, 100).next


def test_a_restored_database_answers_410_and_says_so_in_feed_and_audit(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1, 2])
        epoch = store.epoch
    shutil.copy(tmp_path / "edge.db", tmp_path / "backup")
    with Store.open(tmp_path) as store:
        assert store.epoch == epoch
        add_hits(store, ANN, [3])
        before = cursor_of(store)
    shutil.copy(tmp_path / "backup", tmp_path / "edge.db")
    with Store.open(tmp_path) as store:
        assert store.epoch != epoch
        add_hits(store, ANN, [4, 5])  # its head is past the old one: only the epoch tells
        with pytest.raises(CursorExpiredError) as refused:
            store.feed(before, 10)
        page = store.feed(refused.value.oldest, 10)
        assert [item.type for item in page.items] == ["alert.created"] * 2 + ["gap"] + ["alert.created"] * 2
        assert page.items[2].body["cause"] == "database restored"
        entry = next(entry for entry in store.audit_log.newest() if entry.action == "database.restored")
        assert entry.detail_json == {"what": "restored", "had": 3, "has": 2}
        again = store.epoch
    with Store.open(tmp_path) as store:
        assert store.epoch == again, "once is enough"


def test_a_file_that_is_behind_or_damaged(tmp_path: Path) -> None:
    """After a power loss the file may be behind; one that can't be read is taken for another database's."""
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1, 2])
        epoch = store.epoch
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes().replace(b"2\n", b"1\n"))
    with Store.open(tmp_path) as store:
        assert store.epoch == epoch
    path.write_bytes(b"nonsense")
    with Store.open(tmp_path) as store:
        assert store.epoch != epoch


def test_another_boxes_database_is_another_epoch(tmp_path: Path) -> None:
    for name in ("one", "two"):
        with Store.open(tmp_path / name) as store:
            enrol(store, ANN)
            add_hits(store, ANN, [1])
            epoch = store.epoch
    shutil.copy(tmp_path / "two" / "edge.db", tmp_path / "one" / "edge.db")
    with Store.open(tmp_path / "one") as store:
        assert store.epoch != epoch


def test_an_older_copy_of_the_database_is_told_even_if_only_the_list_had_changed(tmp_path: Path) -> None:
    """Somebody has copied `edge.db` back by hand."""
    folder, old = tmp_path / "data", tmp_path / "old.db"
    with Store.open(folder) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1, 2])
        before, head = store.epoch, store.head_cursor()
    shutil.copy(folder / "edge.db", old)
    with Store.open(folder) as store:
        enrol(store, BOB)
        assert store.head_cursor() == head, "the feed says nothing of people"
    shutil.copy(old, folder / "edge.db")
    with Store.open(folder) as store:
        assert store.people() == [ANN]
        found = store.damage()
        assert found is not None
        assert (found.state, "people too" in found.detail) == ("older", True)
        causes = [item.body["cause"] for item in store.feed(None, 100).items if item.type == "gap"]
        assert causes == ["database restored"]
        with pytest.raises(CursorExpiredError):
            store.feed(head, 10)
        after = store.epoch
        assert after != before
    with Store.open(folder) as store:
        assert store.epoch == after, "told once"
        assert store.damage() == found


def test_a_log_that_was_cut_off_is_told_if_only_the_list_had_changed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        enrol(store, ANN)
    with Store.open(folder) as store:
        enrol(store, BOB)
        shutil.copytree(folder, tmp_path / "killed")
    (tmp_path / "killed" / "edge.db-wal").write_bytes(b"")
    with Store.open(tmp_path / "killed") as store:
        assert store.people() == [ANN]
        found = store.damage()
        assert found is not None
        assert found.state == "older"
