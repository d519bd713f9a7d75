"""The watchlist is kept twice: swapped pages and damaged rows cost nobody on it, and what was put right is told."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.records import Person
from edge.store import Store, migrate
from edge.store.repair import list_copy, mending
from tests.support.store import ANN, NOW, PAGE, add_hits, enrol

PEOPLE = [Person(f"p-{number:03}", f"Person Number {number}", "wanted", NOW, "case", "desk") for number in range(60)]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of several pages, with hits."""
    folder = tmp_path_factory.mktemp("listed")
    with Store.open(folder) as store:
        for number, person in enumerate(PEOPLE):
            enrol(store, person, range(10 * number, 10 * number + 3))
        for number, person in enumerate(PEOPLE[:20]):
            add_hits(store, person, range(3 * number, 3 * number + 3))
    return folder


@pytest.fixture
def folder(listed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(listed, tmp_path / "data")


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(folder / "edge.db", isolation_level=None)) as db:
        yield db


def without_triggers(folder: Path, statement: str) -> None:
    """Change rows as damage does: nothing follows."""
    with opened(folder) as db:
        triggers = db.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")
        assert db.execute(statement).rowcount > 0
        for _, sql in triggers:
            db.execute(sql)


def pages(folder: Path, name: str) -> list[int]:
    with opened(folder) as db:
        return [row[0] for row in db.execute("SELECT pageno FROM dbstat WHERE name = ? ORDER BY path", (name,))]


def swap(folder: Path, one: int, other: int) -> None:
    data = bytearray((folder / "edge.db").read_bytes())
    first, second = slice((one - 1) * PAGE, one * PAGE), slice((other - 1) * PAGE, other * PAGE)
    data[first], data[second] = data[second], data[first]
    (folder / "edge.db").write_bytes(data)


def list_of(store: Store) -> tuple[object, ...]:
    references = [(one.reference_id, one.image_sha256, one.embedding.tobytes()) for one in store.references()]
    return store.people(), references, store.watchlist_version()[1]


def told_of(store: Store) -> str:
    found = store.damage()
    assert found is not None
    bodies = [item.body for item in store.feed(None, 5000).items if item.body.get("subject") == "damage"]
    assert [body["detail"] for body in bodies] == [found.detail]
    assert store.check() == []
    return found.detail


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("people", 0), ("feed", 3)),
        (("people", 1), ("hits", 3)),
        (("person_references", 0), ("hits", 2)),
        (("person_references", 0), ("person_references", 3)),
        (("person_references", 2), ("users", 0)),
        (("sqlite_autoindex_people_1", 0), ("item_images_by_image", 0)),
        (("sqlite_autoindex_person_references_1", 0), ("references_by_person", 1)),
        (("people", 0), ("users", 0)),
        (("migrations", 0), ("images", 2)),
        (("people_copy", 0), ("references_copy", 1)),
        (("images", 0), ("trims", 0)),
        (("sqlite_autoindex_person_references_1", 0), ("references_copy", 3)),
    ],
)
def test_two_swapped_pages_cost_nobody_and_are_told(folder: Path, one: tuple[str, int], other: tuple[str, int]) -> None:
    with Store.open(folder) as store:
        before = list_of(store)
    swap(folder, pages(folder, one[0])[one[1]], pages(folder, other[0])[other[1]])
    with Store.open(folder) as store:
        assert list_of(store) == before
        assert told_of(store)
        assert store.forget_person("p-003").result(30).is_scrubbed
    with opened(folder) as db:
        assert list_copy.problems(db) == []


def test_a_row_of_meta_that_is_no_fact_is_not_taken_over(folder: Path) -> None:
    """A page of an index in the place of `meta` looks sound, but its keys come twice."""
    with Store.open(folder) as store:
        before = store.people()
    swap(folder, pages(folder, "meta")[0], pages(folder, "images_by_age")[1])
    with Store.open(folder) as store:
        assert store.people() == before
        assert "meta" in told_of(store)
    with opened(folder) as db:
        assert not db.execute("SELECT key FROM meta WHERE key LIKE '20%'").fetchall()


@pytest.mark.parametrize("limit", [mending.CHECKED_AT_START_BYTES, 0])
def test_lost_rows_are_put_back_also_where_the_database_is_large(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(mending, "CHECKED_AT_START_BYTES", limit)
    with Store.open(folder) as store:
        before, epoch = list_of(store), store.epoch
    without_triggers(folder, "DELETE FROM people WHERE person_id IN ('p-050', 'p-051')")
    without_triggers(folder, "DELETE FROM person_references WHERE reference_id = 'p-052/ref-521'")
    with Store.open(folder) as store:
        assert list_of(store) == before
        assert store.epoch == epoch, "nothing else was touched"
        assert told_of(store) == (
            "2 damaged entries of the watchlist were put back from their copy, nothing is lost; "
            "1 damaged picture of the watchlist was put back from its copy, nothing is lost"
        )


def test_a_list_that_differs_while_it_runs_is_found_by_the_daily_check_and_mended(folder: Path) -> None:
    with Store.open(folder) as store:
        before = list_of(store)
        without_triggers(folder, "DELETE FROM people WHERE person_id = 'p-050'")
        assert store.check() == ["people differs from its copy"]
        store.repair()
        store.audit("gwen", "x", "y").result(20)
        assert list_of(store) == before
        assert told_of(store) == "1 damaged entry of the watchlist was put back from its copy, nothing is lost"


def test_where_both_differ_the_audit_says_whose_and_an_erasure_reaches_that(folder: Path) -> None:
    without_triggers(folder, "UPDATE people SET status = 'vip' WHERE person_id = 'p-050'")
    without_triggers(folder, "UPDATE person_references SET embedding = x'00' WHERE reference_id = 'p-007/ref-70'")
    with Store.open(folder) as store:
        told = "entries or pictures of 2 people of the watchlist may be wrong or lost: the audit says whose"
        assert told_of(store) == told
        named = [entry for entry in store.audit_log.newest() if entry.action == list_copy.ACTION]
        assert {entry.object for entry in named} == {"person p-007", "person p-050"}
        assert store.forget_person("p-050").result(30).is_scrubbed
        assert store.traces(["p-050", "Person Number 50"]) == {}
    with Store.open(folder) as store:
        told_of(store)


def test_a_picture_whose_file_and_row_are_gone_is_not_put_back_and_the_audit_says_whose(folder: Path) -> None:
    with opened(folder) as db:
        query = "SELECT image_sha256 FROM person_references WHERE reference_id = 'p-050/ref-500'"
        sha256 = db.execute(query).fetchone()[0]
    without_triggers(folder, "DELETE FROM person_references WHERE reference_id = 'p-050/ref-500'")
    without_triggers(folder, f"DELETE FROM images WHERE sha256 = '{sha256}'")
    with Store.open(folder) as store:
        assert "1 person of the watchlist may be wrong or lost" in told_of(store)
        assert [one.object for one in store.audit_log.newest() if one.action == list_copy.ACTION] == ["person p-050"]
    with Store.open(folder) as store:
        told_of(store)


def test_every_change_of_the_list_reaches_the_copy(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for numbers in ((1, 2), (2, 3)):
            enrol(store, ANN, numbers)
        store.calibration.set_aside("ann-1/ref-2").result(10)
        assert store.check() == []
        store.put_person(Person(ANN.person_id, "Ann", "vip"), [], {}).result(10)
        assert store.check() == []
        with opened(tmp_path) as db:
            assert db.execute("SELECT name, status FROM people_copy").fetchall() == [("Ann", "vip")]
            assert db.execute("SELECT count(*), count(aside_at) FROM references_copy").fetchone() == (3, 1)
        store.forget_person(ANN.person_id).result(20)
        assert store.check() == []
        with opened(tmp_path) as db:
            assert db.execute("SELECT * FROM people_copy").fetchall() == []
            assert db.execute("SELECT * FROM references_copy").fetchall() == []


def test_an_older_list_is_copied_when_the_schema_is_brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    released = migrate.migrations()
    monkeypatch.setattr(migrate, "migrations", lambda: released[:12])
    with Store.open(tmp_path) as store:
        enrol(store, ANN, (1, 2))
    monkeypatch.setattr(migrate, "migrations", lambda: released)
    with Store.open(tmp_path) as store:
        assert (store.damage(), store.check()) == (None, [])
    without_triggers(tmp_path, "DELETE FROM person_references")
    without_triggers(tmp_path, "DELETE FROM people")
    with Store.open(tmp_path) as store:
        assert store.people() == [ANN]
        assert len(store.references()) == 2
