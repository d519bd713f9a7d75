"""The running service, killed again and again: no alert is lost, and the contract is kept, as its pullers see it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.appliance import Appliance, enrolled
from tools.central import conformance
from tools.central.puller import ItemLog, Puller

KILLS = int(os.environ.get("EDGE_TEST_KILLS", "3"))
"""20 in `.ci/run`."""


@contextlib.contextmanager
def pulling(box: Appliance, token: str, out: Path) -> Iterator[None]:
    """The reference puller at work, until the block is left."""
    stopped = threading.Event()

    def pull() -> None:
        for _, pause_s in Puller(box.url, token, ItemLog(out), wait_s=1).steps():
            if stopped.wait(min(pause_s, 0.5)):
                return

    thread = threading.Thread(target=pull)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(60)


def pages(box: Appliance, token: str) -> Iterator[dict[str, Any]]:
    """The whole feed, page by page, and then once more for what is new: without an end."""
    after = ""
    while True:
        page = box.get(f"/api/v1/alerts?limit=500{after}", token)
        yield page
        after = f"&after={page['next']}"


def whole_feed(box: Appliance, token: str) -> list[dict[str, Any]]:
    items = []
    for page in pages(box, token):
        items += page["items"]
        if not page["more"]:
            break
    return items


def hits_of(delivered: dict[int, dict[str, Any]]) -> set[str]:
    return {item["hit_id"] for item in delivered.values() if item["type"] == "alert.created"}


def kill_in_its_work(
    box: Appliance, token: str, after_s: float, delivered: dict[int, dict[str, Any]], *, is_last: bool
) -> None:
    """Start the service, note what it delivers, and kill it with its children; the last time not before a hit."""
    process = box.start()
    try:
        box.wait_ready(process)
        until = time.monotonic() + after_s
        for page in pages(box, token):
            for item in page["items"]:
                known = delivered.setdefault(item["seq"], item)
                assert known == item, "a seq was given twice, or a delivered item changed"
            if time.monotonic() > until and (not is_last or hits_of(delivered)):
                break
        assert process.poll() is None, f"the service ended by itself: {box.log()[-3000:]}"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def require_all(box: Appliance, token: str, delivered: dict[int, dict[str, Any]], whole: list[dict[str, Any]]) -> None:
    """Every item that was delivered is there as it was, and every picture that a hit names."""
    kept = {item["seq"]: item for item in whole}
    assert not [seq for seq in delivered if seq not in kept and seq >= min(kept)]
    for seq, item in delivered.items():
        assert kept[seq] == item
    for hit_id in hits_of(delivered):
        hit = box.get(f"/api/v1/alerts/{hit_id}", token)
        for sha256 in filter(None, hit["images"].values()):
            assert (box.data_dir / "blobs" / sha256[:2] / sha256).is_file()


@pytest.mark.timeout(300 + 40 * KILLS)
def test_kill_9_loses_no_alert_and_the_contract_is_kept(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    # Played as fast as it goes, with stays that end after a tenth of a second: hits are written all the time.
    visits = "[visit]\ngap_s = 0.1\nupdate_every_s = 0.1\n"
    box, token = enrolled(tmp_path, demo_clip, portrait, realtime=False, more=visits)
    checker, out = box.token("checker", "health:read"), tmp_path / "alerts.jsonl"
    delivered: dict[int, dict[str, Any]] = {}
    with pulling(box, checker, out):
        for number in range(KILLS):
            kill_in_its_work(box, token, 0.7 + 0.17 * (number % 7), delivered, is_last=number == KILLS - 1)
        with sqlite3.connect(box.data_dir / "edge.db") as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with box.running():
            time.sleep(3)
            results = conformance.run(conformance.Appliance(box.url, checker))
            assert not [result for result in results if result[1] == "FAIL"], results
            assert len([result for result in results if result[1] == "PASS"]) >= len(results) - 2, results
            whole = whole_feed(box, checker)
            require_all(box, token, delivered, whole)
            told = box.text("/metrics", checker)
            assert 'edge_consumer_lag{consumer="checker"}' in told
            assert 'edge_consumer_last_pull_seconds{consumer="checker"}' in told
            time.sleep(3)
    got = [json.loads(line)["seq"] for line in out.read_text("utf-8").splitlines()]
    assert got == sorted(set(got)), "an item came twice, or out of order"
    assert {item["seq"] for item in whole} <= set(got), "an item was not pulled"
    causes = [item["cause"] for item in whole if item["type"] == "gap"]
    assert causes.count("crash") >= KILLS - 1, causes
    assert box.edge("audit", "verify").returncode == 0
