"""Many cameras on one machine: what they cost, who is served how often, and how late an alert is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np

from edge.ops.system.processor import processor
from edge.store import time_from_text
from tests.support.appliance import Appliance
from tools.cost import scene
from tools.data import DATA
from tools.start import children_of, cpu_s, memory_of

BUSY_S, QUIET_S = 4.0, 4.0
WARM_S = 5.0
"""Seconds before the stretch that is measured, once every camera is up."""
UP_WITHIN_S, UP_FRAMES = 600.0, 3
"""Seconds in which each camera must have given so many frames."""
PASSWORD = "four words for nobody"
_RECORD = re.compile(rb'name="record"\r\n\r\n(\{[^\r]*\})\r\n')
_SAMPLE = re.compile(r'^(\w+)\{camera="([^"]+)"(?:,reason="(\w+)")?\} (\S+)$', re.MULTILINE)


def measure(numbers: list[int], seconds: float, *, watched: bool = False) -> dict[str, Any]:
    """JSON-ready: a row for each number of cameras of 1280 x 720 at 30/s, four people half of the time.

    `watched`: a page shows all of them meanwhile.
    """
    if not (DATA / "faces" / "lfw").is_dir():
        sys.exit(f"the pictures of people are not in {DATA}; set EDGE_TEST_DATA")
    with tempfile.TemporaryDirectory(prefix="edge-cameras-") as name:
        clip = Path(name) / "clip.mp4"
        scene.write(clip, scene.frames(scene.people(DATA), BUSY_S, quiet_s=QUIET_S))
        rows = []
        for number in numbers:
            rows.append(_row(Path(name) / str(number), clip, number, seconds, watched=watched))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)  # kept where a later number is cut off
    load = os.getloadavg()[1]
    return {"processor": processor()["name"], "load": round(load, 1), "seconds": seconds, "rows": rows}


def _row(folder: Path, clip: Path, number: int, seconds: float, *, watched: bool) -> dict[str, Any]:
    folder.mkdir()
    cameras = "".join(
        f'[[camera]]\nname = "c{n:02}"\nsource = "file:{clip}"\nloop = true\nrealtime = true\n' for n in range(number)
    )
    # A stay ends while nobody is there, so that each time round gives an alert of its own.
    box = Appliance(folder, more=f"[visit]\ngap_s = {QUIET_S / 2}\n{cameras}")
    done = box.edge("enrol", "--id", "p", "--name", "P", "--status", "test", scene.pictures(DATA)[1])
    if done.returncode != 0:
        sys.exit(done.stderr)
    token = box.edge("token", "add", "load", "--scope", "alerts:read", "--scope", "health:read").stdout.strip()
    with box.running() as service, page(box) if watched else contextlib.nullcontext(Counter[str]()) as shown:
        up_s = _wait_up(box, token, number)
        time.sleep(WARM_S)
        shown.clear()
        before, cpu, at = samples(box, token), _cpu(service.pid), time.monotonic()
        time.sleep(seconds)
        after, spent, took_s = samples(box, token), _cpu(service.pid) - cpu, time.monotonic() - at
        pictures = sum(shown.values())
        memory = memory_of(service.pid)
        late = _late_ms(box, token)
    frames, searched = (_per_camera(before, after, f"edge_frames{kind}_total") for kind in ("", "_searched"))
    shares = [round(count / took_s, 1) for count in frames]
    return {
        "cameras": number,
        "up_after_s": None if up_s is None else round(up_s, 1),
        "cores": round(spent / took_s, 2),
        "cpu_ms_a_frame": round(1e3 * spent / max(sum(frames), 1), 1),
        "frames_per_s_a_camera": {"least": min(shares), "most": max(shares)},
        "searched_per_s_a_camera": round(sum(searched) / took_s / number, 1),
        "alerts": len(late),
        "capture_to_item_ms": {f"p{part}": round(float(np.percentile(late, part))) for part in (50, 95)}
        if late
        else {},
        "pss_mb": memory["all_pss_mb"],
        "capture_anonymous_mb": round(mean(row["Pss_Anon"] for row in _captures(memory)), 1),
        **({"pictures_per_s_shown": round(pictures / took_s, 1)} if watched else {}),
    }


def _captures(memory: dict[str, Any]) -> list[dict[str, float]]:
    return [row for name, row in memory["processes"].items() if name.startswith("edge.capture")]


def _wait_up(box: Appliance, token: str, number: int) -> float | None:
    """Seconds until each camera has given a few frames, from when models and kernels were ready; None: not in time."""
    began = time.monotonic()
    while time.monotonic() - began < UP_WITHIN_S:
        frames = [value for (name, _), value in samples(box, token).items() if name == "edge_frames_total"]
        if sum(value >= UP_FRAMES for value in frames) == number:
            return time.monotonic() - began
        time.sleep(0.5)
    return None


@contextlib.contextmanager
def page(box: Appliance) -> Iterator[Counter[str]]:
    """A page that shows all cameras, asking as the page does; counts the pictures that it got, by camera."""
    done = box.edge("user", "add", "viewer", "--role", "supervisor", "--password-stdin", stdin=PASSWORD)
    if done.returncode != 0:
        sys.exit(done.stderr)
    shown, stop = Counter[str](), threading.Event()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    form = urllib.parse.urlencode({"user": "viewer", "password": PASSWORD}).encode()
    opener.open(urllib.request.Request(f"{box.url}/login", form, {"Origin": box.url}), timeout=60).close()

    def look() -> None:
        seen: dict[str, int] = {}
        while not stop.is_set():
            after = ",".join(f"{camera}:{number}" for camera, number in seen.items())
            with opener.open(f"{box.url}/live/frames?after={after}", timeout=60) as answer:
                for record in _RECORD.findall(answer.read()):
                    told = json.loads(record)
                    seen[told["camera"]] = told["frame_id"]
                    shown[told["camera"]] += 1

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield shown
    finally:
        stop.set()
        thread.join(30)


def samples(box: Appliance, token: str) -> dict[tuple[str, str], float]:
    """Counters by name and camera."""
    found = _SAMPLE.findall(box.text("/metrics", token))
    return {(name, camera): float(value) for name, camera, reason, value in found if not reason}


def _per_camera(before: dict[tuple[str, str], float], after: dict[tuple[str, str], float], name: str) -> list[float]:
    return [value - before.get(key, 0.0) for key, value in sorted(after.items()) if key[0] == name]


def _cpu(pid: int) -> float:
    return cpu_s(pid) + sum(cpu_s(child) for child in children_of(pid))


def _late_ms(box: Appliance, token: str) -> list[float]:
    """Of each alert, from the capture of the frame that led to it to its item's time; recorded frames count as live."""
    late, after = [], None
    while True:
        query = "?limit=500" + (f"&after={after}" if after else "")
        request = urllib.request.Request(
            f"{box.url}/api/v1/alerts{query}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            page = json.load(answer)
        for item in page["items"]:
            if item["type"] == "alert.created":
                apart = time_from_text(item["at"]) - time_from_text(item["visit"]["last"])
                late.append(apart.total_seconds() * 1e3)
        after = page["next"]
        if not page["more"]:
            return late
