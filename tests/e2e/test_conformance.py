"""The conformance test against the running service, killed again and again, with the reference puller beside it."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.support.appliance import enrolled
from tools.central import conformance
from tools.central.puller import ItemLog, Puller

KILLS = int(os.environ.get("EDGE_TEST_KILLS", "3"))
"""20 in `.ci/run`."""


@pytest.mark.timeout(120 + 40 * KILLS)
def test_the_contract_is_kept_through_kills(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    visits = "[visit]\ngap_s = 0.1\nupdate_every_s = 0.1\n"
    box, _ = enrolled(tmp_path, demo_clip, portrait, realtime=False, more=visits)
    done = box.edge("token", "add", "checker", "--scope", "alerts:read", "--scope", "health:read")
    assert done.returncode == 0, done.stderr
    token, out, stopped = done.stdout.strip(), tmp_path / "alerts.jsonl", threading.Event()

    def pull() -> None:
        for _, pause_s in Puller(box.url, token, ItemLog(out), wait_s=1).steps():
            if stopped.wait(min(pause_s, 0.5)):
                return

    thread = threading.Thread(target=pull)
    thread.start()
    try:
        for number in range(KILLS):
            process = box.start()
            box.wait_ready(process)
            time.sleep(0.5 + 0.3 * (number % 4))
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        with box.running():
            time.sleep(3)
            results = conformance.run(conformance.Appliance(box.url, token))
            assert not [result for result in results if result[1] == "FAIL"], results
            assert len([result for result in results if result[1] == "PASS"]) >= len(results) - 2, results
            whole, after = [], ""
            while True:
                page = box.get(f"/api/v1/alerts?limit=500{after}", token)
                whole += page["items"]
                after = f"&after={page['next']}"
                if not page["more"]:
                    break
            told = box.text("/metrics", token)
            assert 'edge_consumer_lag{consumer="checker"}' in told
            assert 'edge_consumer_last_pull_seconds{consumer="checker"}' in told
            time.sleep(3)
    finally:
        stopped.set()
        thread.join(60)
    got = [json.loads(line)["seq"] for line in out.read_text("utf-8").splitlines()]
    assert got == sorted(set(got)), "an item came twice, or out of order"
    assert {item["seq"] for item in whole} <= set(got), "an item was not pulled"
    causes = [item["cause"] for item in whole if item["type"] == "gap"]
    assert causes.count("crash") >= KILLS - 1, causes
    assert box.edge("audit", "verify").returncode == 0
