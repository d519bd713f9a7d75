"""Long work tells how far it is: a bar with the time left in a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from rich.console import Console

from edge.cli import common, demo
from edge.store import Store
from tests.support.appliance import Appliance, clean_env
from tests.support.store import ANN, add_hits, enrol

# The moves of the cursor and the colors between the words of a bar.
_MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(box: Appliance, *args: str | Path) -> tuple[int, str]:
    """Exit status and standard error of a command whose standard error is a terminal."""
    ours, theirs = pty.openpty()
    told: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(ours, 65536):
                told.append(data)
        except OSError:
            pass  # the other end is closed

    reader = threading.Thread(target=read)
    reader.start()
    done = subprocess.run(
        [sys.executable, "-m", "edge", *map(str, args), "--config", str(box.config)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=clean_env() | {"TERM": "xterm", "COLUMNS": "150"},
        timeout=240,
        check=False,
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    return done.returncode, _MOVES.sub("", b"".join(told).decode())


def test_backup_and_restore_show_a_bar_in_a_terminal(tmp_path: Path) -> None:
    box, file = Appliance(tmp_path), tmp_path / "backup"
    with Store.open(box.data_dir) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1, 2])
    for command, word in (
        (("backup", "create", file), "MB written"),
        (("backup", "restore", file), "MB checked"),
        (("backup", "restore", file, "--yes"), "MB unpacked"),
    ):
        status, told = in_terminal(box, *command)
        assert status == 0, told
        assert word in told
        assert "left" in told


def test_a_clip_shows_its_frames_and_the_time_left(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    people = tmp_path / "people" / "Rosa"
    people.mkdir(parents=True)
    (people / "a.png").write_bytes(portrait.read_bytes())
    status, told = in_terminal(
        Appliance(tmp_path), "process", demo_clip, "--watchlist", tmp_path / "people", "--out", tmp_path / "out"
    )
    assert status == 0, told
    assert "enrolling" in told
    assert re.search(r"\d+/300", told), told
    assert "left" in told


def test_a_step_of_the_demo_is_told_whole_in_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = io.StringIO()
    monkeypatch.setattr(demo, "err", Console(file=seen, force_terminal=True, width=40))
    monkeypatch.setattr(sys, "stderr", Mock(isatty=lambda: True))
    with demo._steps() as step:
        step("Enrolling the person from the clean portrait, which takes a minute or two")
        time.sleep(0.3)
    assert "minute or two" in _MOVES.sub("", seen.getvalue())


def test_without_a_terminal_a_plain_line_comes_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr(common.time, "monotonic", lambda: now[0])
    with common.progress_bars() as tell:
        for number in range(1, 101):
            now[0] = float(number)
            tell("clip [1].avi", number * 20, 4000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2, "after twenty seconds, and a minute later"
    assert lines[0].startswith("edge: clip [1].avi: 400 of 4,000")
    assert lines[1].startswith("edge: clip [1].avi: 1,600 of 4,000")


def test_quick_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with common.progress_bars() as tell, common.waiting("looking"):
        tell("frames", 1, 2)
    assert capsys.readouterr().err == ""


def test_how_much_of_a_backup_is_written_and_read_is_told_to_the_end(tmp_path: Path) -> None:
    import datetime as dt

    from edge.store.backup import restore
    from edge.store.backup.create import create

    told: dict[str, list[tuple[int, int]]] = {}

    def note(what: str, done: int, total: int) -> None:
        told.setdefault(what, []).append((done, total))

    with Store.open(tmp_path / "data") as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1])
    (tmp_path / "data" / "commission").mkdir(exist_ok=True)
    (tmp_path / "data" / "commission" / "big.html").write_bytes(os.urandom(6_000_000))
    now = dt.datetime.now(dt.UTC)
    create(tmp_path / "data", tmp_path / "backup", now, (), note)
    restore.restore(tmp_path / "backup", tmp_path / "other", now, None, note)
    assert set(told) == {"MB written", "MB checked", "MB unpacked"}
    for what, steps in told.items():
        done = [step[0] for step in steps]
        assert done == sorted(done), what
        assert steps[-1][0] == steps[-1][1] >= 6, (what, steps[-1])
