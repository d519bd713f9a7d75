"""`edge audit` as commands on a data directory."""

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
