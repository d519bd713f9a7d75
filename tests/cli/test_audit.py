"""`edge audit` and the rotation of tokens, as commands on a data directory."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge.store import Store
from tests.support.store import ANN, enrol


def edge(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "EDGE_DATA_DIR": str(folder)}
    return subprocess.run([sys.executable, "-m", "edge", *words], capture_output=True, text=True, env=env, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Store.open(tmp_path) as store:
        enrol(store, ANN)
    return tmp_path


def test_verify_and_export(folder: Path) -> None:
    done = edge(folder, "audit", "verify", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["entries"], report["problems"]) == (1, [])
    head = f"{report['head']['seq']}:{report['head']['sha256']}"
    assert edge(folder, "audit", "verify", "--head", head).returncode == 0
    done = edge(folder, "audit", "export", str(folder / "audit.jsonl"))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["person.put", "audit.export"]
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        db.execute("UPDATE audit SET actor = 'mallory' WHERE seq = 1")
        db.commit()
    done = edge(folder, "audit", "verify")
    assert done.returncode == 1
    assert "entry 1 does not follow" in done.stdout
    assert edge(folder, "audit", "verify", "--head", "x").returncode == 65


def test_two_tokens_of_one_name_while_one_replaces_the_other(folder: Path) -> None:
    first = edge(folder, "token", "add", "central", "--scope", "alerts:read").stdout.strip()
    second = edge(folder, "token", "add", "central", "--scope", "alerts:read", "--days", "30").stdout.strip()
    assert edge(folder, "token", "add", "central", "--scope", "alerts:read").returncode == 65
    with Store.open(folder) as store:
        assert store.check_token(first) is not None
        assert store.check_token(second) is not None
        store.note_pull("central", 7)
    done = edge(folder, "token", "revoke", "central", "--older")
    assert done.returncode == 0, done.stderr
    with Store.open(folder) as store:
        assert store.check_token(first) is None
        assert store.check_token(second) is not None
        assert [consumer.seq for consumer in store.consumers()] == [7], "the consumer outlives the rotation"
    assert edge(folder, "token", "revoke", "central", "--older").returncode == 65
    assert (folder / "edge.db").read_bytes().find(second.encode()) == -1


def test_more_pictures_leave_the_end_of_an_entry(folder: Path, portrait: Path) -> None:
    words = ["enrol", "--id", "p9", "--name", "P", "--status", "demo", str(portrait)]
    done = edge(folder, *words, "--reason", "theft", "--owner", "ines", "--expires", "2031-02-03")
    assert done.returncode == 0, done.stderr
    done = edge(folder, *words, "--allow-alike")
    with Store.open(folder) as store:
        person = store.person("p9")
        assert person is not None
        assert (person.reason, person.owner) == ("theft", "ines")
        assert person.expires_at is not None
        assert person.expires_at.isoformat() == "2031-02-03T00:00:00+00:00"
