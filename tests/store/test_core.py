"""Opening what is there: folders that can't be written, foreign files, other processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pytest

from edge.errors import ExitCode, StoreError
from edge.store import Store
from tests.support.mounts import mounted
from tests.support.paths import ROOT
from tests.support.store import ANN, add_hits, enrol, hit_of


def test_a_read_only_folder_is_one_clear_paragraph(tmp_path: Path) -> None:
    with mounted(tmp_path / "ro", "ro,size=1m") as folder, pytest.raises(StoreError) as caught:
        Store.open(folder)
    assert caught.value.exit_code == ExitCode.STORAGE
    assert str(tmp_path / "ro") in str(caught.value)
    assert "Read-only" in str(caught.value)


def test_a_folder_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match="choose another data_dir"):
            Store.open(place)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_someone_else(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(StoreError, match="Permission denied"):
        Store.open(tmp_path / "data")


def test_garbage_is_refused_and_left_alone(tmp_path: Path) -> None:
    garbage = b"this is a shopping list and not a database " * 200
    (tmp_path / "edge.db").write_bytes(garbage)
    with pytest.raises(StoreError, match="not a database") as caught:
        Store.open(tmp_path)
    assert caught.value.exit_code == ExitCode.STORAGE
    assert (tmp_path / "edge.db").read_bytes() == garbage


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "edge.db")) as db:
        db.execute("CREATE TABLE recipes (cake TEXT)")
    before = (tmp_path / "edge.db").read_bytes()
    with pytest.raises(StoreError, match="some other program"):
        Store.open(tmp_path)
    assert (tmp_path / "edge.db").read_bytes() == before


def test_a_database_full_of_noise_is_told_and_hits_are_stored_again(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(60))
    path = tmp_path / "edge.db"
    data = bytearray(path.read_bytes())
    data[4096 * 2 :] = os.urandom(len(data) - 4096 * 2)
    path.write_bytes(data)
    with Store.open(tmp_path) as store:
        assert store.damage() is not None
        assert store.check() == []
        assert "database damaged" in [item.body.get("cause") for item in store.feed(None, 1000).items]
        enrol(store, ANN)
        add_hits(store, ANN, [500])
        assert store.head_seq() > 60, "no seq is given twice"


def test_the_database_cut_short(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        add_hits(store, ANN, range(60))
    path = tmp_path / "edge.db"
    path.write_bytes(path.read_bytes()[:9000])
    with Store.open(tmp_path) as store:
        assert store.damage() is not None
        assert store.check() == []
        assert "database damaged" in [item.body.get("cause") for item in store.feed(None, 1000).items]
        enrol(store, ANN)
        add_hits(store, ANN, [500])
        assert store.head_seq() > 60, "no seq is given twice"


OTHER = """
import sys
from pathlib import Path
from edge.store import Store
with Store.open(Path(sys.argv[1])) as store:
    print(store.add_token("central", ["alerts:read"]).result(20))
    store.add_item("health", {"from": "the other process"}).result(20)
"""


def run_other(data_dir: Path, program: str = OTHER) -> str:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program, str(data_dir)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()


def wait_for(what: Future[None], seconds: float = 60.0) -> None:
    what.result(seconds)


def test_another_process_adds_a_token_and_an_item_while_this_one_writes(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
        heard: list[int] = []
        came: Future[None] = Future()

        def listen(item: object) -> None:
            heard.append(item.seq)  # type: ignore[attr-defined]
            if item.type == "health":  # type: ignore[attr-defined]
                came.set_result(None)

        store.subscribe(listen)
        before = store.data_version()
        assert store.check_token("edge_x") is None
        pending = [store.add_hit(*hit_of(ANN, number)) for number in range(20)]
        secret = run_other(tmp_path)
        pending += [store.add_hit(*hit_of(ANN, number)) for number in range(20, 30)]
        seqs = [future.result(20).seq for future in pending]
        wait_for(came)
        assert store.data_version() > before
        token = store.check_token(secret)
        assert token is not None
        assert token.scopes == ("alerts:read",)
        assert heard == list(range(1, 32)), "each item once and in order, whoever wrote it"
        assert set(seqs) < set(heard)
        assert store.head_seq() == 31


def test_a_database_locked_by_someone_else_fails_the_write_and_not_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.store.database.connect.BUSY_MS", 50)
    with Store.open(tmp_path) as store:
        with contextlib.closing(sqlite3.connect(tmp_path / "edge.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked too long"):
                store.add_item("heartbeat", {}).result(10)
            assert store.feed(None, 10).items == ()
            other.execute("ROLLBACK")
        assert store.add_item("heartbeat", {}).result(10).seq == 1
