"""The service as a process: it finds, tells, and refuses what it can't work with in one paragraph."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from edge.store import Store
from tests.support.appliance import Appliance, enrolled


def pull(box: Appliance, token: str, after: str | None, wait_s: int = 0) -> dict[str, Any]:
    cursor = f"&after={after}" if after else ""
    page = box.get(f"/api/v1/alerts?limit=500&wait={wait_s}{cursor}", token)
    assert isinstance(page, dict)
    return page


def test_a_hit_is_found_told_and_shown_once_per_stay(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    box, token = enrolled(tmp_path, demo_clip, portrait)
    with box.running():
        deadline, after, items = time.monotonic() + 60, None, []
        while time.monotonic() < deadline and sum(i["type"] == "alert.updated" for i in items) < 2:
            page = pull(box, token, after, wait_s=5)
            items += page["items"]
            after = page["next"]
        alerts = [item for item in items if item["type"] == "alert.created"]
        assert [alert["person"]["id"] for alert in alerts] == ["p1"], box.log()[-2000:]
        assert any(i["type"] == "health" and i["state"] == "live" for i in items)
        newest = box.get(f"/api/v1/alerts/{alerts[0]['hit_id']}", token)
        for name in ("frame", "crop", "reference"):
            assert (box.data_dir / "blobs" / newest["images"][name][:2] / newest["images"][name]).is_file()
    with Store.open(box.data_dir) as store:
        version, digest = store.watchlist_version()
    assert newest["watchlist"] == {"version": version, "digest": digest}, "the list it was compared with"
    log = box.log()
    assert "Demo person" not in log
    assert "Traceback" not in log


COUNTING = """
import asyncio, sys, time
from pathlib import Path
from numba.core import event
from edge.app.service import service
from edge.config import load

compiled, went = event.RecordingListener(), []

def on_ready(running):
    event.register("numba:compile", compiled)
    went.append(asyncio.get_running_loop().create_task(wait(running)))

async def wait(running):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        items = running.store.feed(None, 100).items
        if sum(item.type == "alert.updated" for item in items) >= 1:
            break
        await asyncio.sleep(0.2)
    print("seen", sum(item.type == "alert.created" for item in items))
    running.stop()

asyncio.run(service.run(load(Path(sys.argv[1])), on_ready=on_ready))
print("compiled", [str(one[1].data["dispatcher"]) for one in compiled.buffer])
"""


def test_nothing_is_compiled_once_it_is_ready(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    """A stay from first sight to its last word, steps for eyes and all, with what was compiled before READY."""
    box, _ = enrolled(tmp_path, demo_clip, portrait)
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, str(box.config)], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.stdout.splitlines() == ["seen 1", "compiled []"], done.stderr[-2000:]


def test_a_person_enrolled_while_it_runs_is_found(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip)
    token = box.token()
    with box.running():
        done = box.edge("enrol", "--id", "late", "--name", "Late", "--status", "demo", portrait)
        assert done.returncode == 0, done.stderr
        deadline, after, found = time.monotonic() + 60, None, False
        while time.monotonic() < deadline and not found:
            page = pull(box, token, after, wait_s=5)
            after = page["next"]
            found = any(i["type"] == "alert.created" and i["person"]["id"] == "late" for i in page["items"])
        assert found
        with pytest.raises(urllib.error.HTTPError, match="401"):
            box.get("/api/v1/alerts", "wrong")


def refused(box: Appliance, exit_code: int, *words: str) -> None:
    done = box.edge("run", timeout=120)
    assert done.returncode == exit_code, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert len(lines) == 1, done.stderr
    for word in words:
        assert word in lines[0]


def test_port_in_use(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", box.port))
        taken.listen()
        refused(box, 69, str(box.port))


def test_misspelt_key(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip, more="[recognise]\nmin_similarty = 0.5\n")
    refused(box, 78, "min_similarty", "did you mean 'min_similarity'")


def test_no_camera(tmp_path: Path) -> None:
    refused(Appliance(tmp_path), 78, "[[camera]]")


def test_data_directory_that_cannot_be_written(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path, camera=demo_clip)
    box.data_dir.write_text("a file where the folder should be", "utf-8")
    refused(box, 74, str(box.data_dir))


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "altered"])
def test_model_file_that_is_not_whole(tmp_path: Path, demo_clip: Path, damage: str) -> None:
    from tests.support.paths import ROOT

    pack = tmp_path / "models"
    pack.mkdir()
    for file in (ROOT / "models" / "quantized").iterdir():
        (pack / file.name).write_bytes(file.read_bytes())
    entry = next(m for m in json.loads((pack / "manifest.json").read_text("utf-8"))["models"] if m["task"] == "embed")
    victim = pack / entry["file"]
    data = victim.read_bytes()
    if damage == "missing":
        victim.unlink()
    else:
        changed = {"empty": b"", "truncated": data[: len(data) // 2], "altered": data[:-1] + bytes([data[-1] ^ 1])}
        victim.write_bytes(changed[damage])
    box = Appliance(tmp_path, camera=demo_clip)
    box.config.write_text(f'models_dir = "{pack}"\n' + box.config.read_text("utf-8"), "utf-8")
    refused(box, 78, entry["file"], "restore")
