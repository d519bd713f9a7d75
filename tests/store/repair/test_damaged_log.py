"""The write-ahead log after a kill: what a damaged one has lost is told, and nothing is served under a number twice."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.errors import CursorExpiredError
from edge.store import Store
from edge.store.feed import cursor
from tests.support.paths import ROOT
from tests.support.store import ANN, add_hits, enrol, require_pictures

FRAME = 24 + 4096


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    """A data directory whose newest commits are in the log alone; its epoch, and the last number that was delivered.

    A kill that falls just behind a checkpoint leaves everything in the database, where a damaged log loses nothing.
    """
    for _ in range(5):
        folder, epoch, last = _kill(tmp_path_factory)
        if _last_without_log(folder, tmp_path_factory.mktemp("alone")) < last:
            return folder, epoch, last
    pytest.fail("five kills, and each time all was in the database already")


def _kill(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, int]:
    folder, clock = tmp_path_factory.mktemp("killed"), tmp_path_factory.mktemp("clock") / "clock"
    with Store.open(folder) as store:
        enrol(store, ANN)
        epoch = store.epoch
    command = [sys.executable, "-m", "tools.soak.storing", str(folder), str(clock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as program:
        assert program.stdout is not None
        lines = [program.stdout.readline() for _ in range(30)]
        program.send_signal(signal.SIGKILL)
        lines += program.stdout.read().rpartition("\n")[0].splitlines()
    assert (folder / "edge.db-wal").stat().st_size > 10 * FRAME
    return folder, epoch, max(json.loads(line)[1] for line in lines if line.startswith("["))


def _last_without_log(folder: Path, alone: Path) -> int:
    """The last number of the feed in the database file by itself."""
    shutil.copy(folder / "edge.db", alone)
    with contextlib.closing(sqlite3.connect(alone / "edge.db")) as database:
        return int(database.execute("SELECT max(seq) FROM feed").fetchone()[0] or 0)


def cut_to_nothing(data: bytearray) -> bytearray:
    return bytearray()


def without_header(data: bytearray) -> bytearray:
    return bytearray(32) + data[32:]


def with_a_hole(data: bytearray) -> bytearray:
    middle = _middle(data)
    return data[:middle] + bytearray(FRAME) + data[middle + FRAME :]


def with_a_flipped_bit(data: bytearray) -> bytearray:
    data[_middle(data) + FRAME // 2] ^= 1
    return data


def cut_in_a_frame(data: bytearray) -> bytearray:
    return data[: _middle(data) + 100]


def _middle(data: bytearray) -> int:
    """Where the middle one begins of the frames that count: those with the salts of the log's header.

    Behind them lie frames of a former round, which a checkpoint has made worthless.
    """
    begins = range(32, len(data) - FRAME + 1, FRAME)
    count = len(list(itertools.takewhile(lambda at: data[at + 8 : at + 16] == data[16:24], begins)))
    assert count, "no frame counts"
    return begins[count // 2]


@pytest.mark.parametrize(
    "spoil",
    [cut_to_nothing, without_header, with_a_hole, with_a_flipped_bit, cut_in_a_frame],
    ids=lambda one: one.__name__,
)
def test_a_damaged_log_is_a_loss_that_is_told(
    killed: tuple[Path, str, int], tmp_path: Path, spoil: Callable[[bytearray], bytearray]
) -> None:
    folder, epoch, last = killed
    shutil.copytree(folder, tmp_path / "bad")
    log = tmp_path / "bad" / "edge.db-wal"
    log.write_bytes(spoil(bytearray(log.read_bytes())))
    with Store.open(tmp_path / "bad") as store:
        assert store.check() == []
        assert store.epoch != epoch, "what was delivered after this is another history"
        assert "gap" in [item.type for item in store.feed(None, 500).items]
        with pytest.raises(CursorExpiredError):
            store.feed(cursor.encode(epoch, last), 10)
        require_pictures(store)
        if store.person(ANN.person_id) is None:
            enrol(store, ANN)
        add_hits(store, ANN, [900])
        assert store.trouble() is None


def test_a_whole_log_loses_nothing(killed: tuple[Path, str, int], tmp_path: Path) -> None:
    folder, epoch, last = killed
    shutil.copytree(folder, tmp_path / "good")
    (tmp_path / "good" / "edge.db-shm").write_bytes(b"\xff" * 32_768)  # made anew at every start
    with Store.open(tmp_path / "good") as store:
        assert (store.epoch, store.head_seq() >= last) == (epoch, True)
        assert store.feed(cursor.encode(epoch, last - 1), 10).items[0].seq == last
