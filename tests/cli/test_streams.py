"""Standard output that is closed, full, or lacks letters: never a traceback, and never lost without a word."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import ExitCode
from edge.store import Store

NAME = "Jörg-Œuvre-今"


def edge(data_dir: Path, redirection: str, **environ: str) -> subprocess.CompletedProcess[bytes]:
    command = f'"{sys.executable}" -m edge token list --json {redirection}'
    environ |= {"EDGE_DATA_DIR": str(data_dir), "PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    return subprocess.run(["bash", "-c", command], capture_output=True, env=environ, check=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    with Store.open(tmp_path) as store:
        store.add_token(NAME, ["alerts:read"]).result()
    return tmp_path


@pytest.mark.parametrize(
    ("redirection", "word"), [(">/dev/full", b"No space left"), (">&-", b"Bad file"), ("<&- >&-", b"Bad file")]
)
def test_output_that_cannot_be_written_is_an_error_of_one_line(data_dir: Path, redirection: str, word: bytes) -> None:
    ended = edge(data_dir, redirection)
    assert ended.returncode == ExitCode.STORAGE
    assert ended.stderr.startswith(b"edge: the output can't be written")
    assert word in ended.stderr
    assert ended.stderr.count(b"\n") == 1


def test_nothing_is_left_to_say_it_on(data_dir: Path) -> None:
    ended = edge(data_dir, ">&- 2>&-")
    assert (ended.returncode, ended.stdout, ended.stderr) == (ExitCode.STORAGE, b"", b"")
    assert edge(data_dir, "2>&-").returncode == 0


def test_a_reader_that_goes_is_no_error(data_dir: Path) -> None:
    ended = edge(data_dir, "| true; exit ${PIPESTATUS[0]}")
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize(
    "environ", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}]
)
def test_an_encoding_without_the_letters_loses_none(data_dir: Path, environ: dict[str, str]) -> None:
    as_json = edge(data_dir, "", **environ)
    assert json.loads(as_json.stdout.decode("ascii"))[0]["name"] == NAME
    table = edge(data_dir, "; true", **environ)
    assert table.returncode == 0
    assert table.stderr.startswith(b"edge: configuration: "), "one line, and no traceback"
    assert table.stderr.count(b"\n") == 1
    plain = subprocess.run(
        [sys.executable, "-m", "edge", "token", "list"],
        capture_output=True,
        env={**environ, "EDGE_DATA_DIR": str(data_dir), "PYTHONPATH": ":".join(sys.path)},
        check=False,
    )
    assert plain.returncode == 0
    assert plain.stderr.count(b"\n") == 1
    assert rb"J\xf6rg" in plain.stdout
