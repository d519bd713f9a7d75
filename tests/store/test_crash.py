"""kill -9 at any moment: nothing acknowledged is lost, no seq twice, no row without its picture."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from edge.store import Store
from tests.support.paths import ROOT
from tests.support.store import kept_files

ROUNDS = 20


def run_until_killed(data_dir: Path, num_hits: int, seconds: float) -> list[tuple[int, str]]:
    """Start the writing program, kill it that long after it has acknowledged so many; what it acknowledged."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.support.store", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT) as program:
        assert program.stdout is not None
        first = "".join(program.stdout.readline() for _ in range(num_hits))
        assert first.count("\n") == num_hits, "the program ended by itself"
        time.sleep(seconds)
        program.send_signal(signal.SIGKILL)
        rest = program.stdout.read()
    whole = (first + rest).rsplit("\n", 1)[0]  # the last line may be cut short
    return [(int(line.split()[0]), line.split()[1]) for line in whole.splitlines()]


def look_at_raw_rows(data_dir: Path) -> dict[str, int]:
    """Rows as they lie on the disk before anything of ours has opened it; returns pictures and their sizes."""
    db = sqlite3.connect(data_dir / "edge.db")
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    named = dict(db.execute("SELECT sha256, num_bytes FROM images").fetchall())
    seqs = [row[0] for row in db.execute("SELECT seq FROM feed ORDER BY seq")]
    assert seqs == list(range(1, len(seqs) + 1))
    db.close()
    return named


def test_killed_twenty_times_while_writing(tmp_path: Path) -> None:
    dice = random.Random(7)
    acknowledged: dict[int, str] = {}
    checked: set[str] = set()
    for turn in range(ROUNDS):
        for seq, hit_id in run_until_killed(tmp_path, dice.randint(1, 12), dice.uniform(0.0, 0.03)):
            assert seq not in acknowledged, f"round {turn}: seq {seq} was given twice"
            acknowledged[seq] = hit_id
        for sha256, num_bytes in look_at_raw_rows(tmp_path).items():
            path = tmp_path / "blobs" / sha256[:2] / sha256
            assert path.stat().st_size == num_bytes
            if sha256 not in checked:
                checked.add(sha256)
                assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    with Store.open(tmp_path) as store:
        stored = {item.seq: item.body["hit_id"] for item in store.feed(None, 100_000).items}
        assert acknowledged.items() <= stored.items()
        hits = {hit.hit_id: hit for hit in store.hits(limit=100_000)}
        assert set(stored.values()) == set(hits)
        assert all(store.image_path(hit.images.crop) for hit in hits.values())
    assert len(kept_files(tmp_path)) >= len(checked)
