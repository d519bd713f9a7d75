"""Whether the service keeps up and its memory stays level.

Plays the rendered clip with two faces, 640 x 480 at 25 frames/s, in a loop, and asks /metrics every ten seconds.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from edge.app.evaluation.bench import two_faces
from edge.app.selfcheck import demo_clip
from edge.capture.recorder import write_video
from edge.pixels.encode import to_png
from tests.support.appliance import Appliance
from tools.load.rates import metric

SAMPLE_S = 10.0
SETTLE_S = 60.0
"""Seconds left out of the judgement of memory: models warm up, caches fill."""


def resident_mb(pid: int) -> float:
    """Resident memory of a process and its children, MB."""
    total, pids = 0.0, [pid]
    while pids:
        one = pids.pop()
        try:
            status = Path(f"/proc/{one}/status").read_text("ascii")
            pids += [int(p) for p in Path(f"/proc/{one}/task/{one}/children").read_text("ascii").split()]
        except OSError:
            continue
        found = re.search(r"VmRSS:\s+(\d+)", status)
        total += int(found.group(1)) / 1024 if found else 0.0
    return total


def prepare(folder: Path) -> tuple[Appliance, str]:
    """A box with the person enrolled and a clip that shows two of them."""
    path = folder / "two.avi"
    write_video(path, (two_faces(frame) for frame in demo_clip.frames()), demo_clip.FPS)
    portrait = folder / "portrait.png"
    portrait.write_bytes(to_png(demo_clip.portrait()))
    box = Appliance(folder, camera=path)
    done: subprocess.CompletedProcess[str] = box.edge("enrol", "--id", "p", "--name", "P", "--status", "test", portrait)
    if done.returncode != 0:
        sys.exit(done.stderr)
    token = box.edge("token", "add", "soak", "--scope", "health:read").stdout.strip()
    return box, token


def soak(minutes: float) -> dict[str, object]:
    """Run for `minutes` and return frames/s, frames dropped, and memory over time."""
    with tempfile.TemporaryDirectory(prefix="edge-soak-") as name:
        box, token = prepare(Path(name))
        with box.running() as process:
            samples = []
            started = time.monotonic()
            while (elapsed := time.monotonic() - started) < minutes * 60:
                request = urllib.request.Request(f"{box.url}/metrics", headers={"Authorization": f"Bearer {token}"})
                with urllib.request.urlopen(request, timeout=10) as answer:
                    text = answer.read().decode()
                samples.append(
                    (
                        elapsed,
                        metric(text, "edge_frames_total"),
                        metric(text, "edge_frames_dropped"),
                        resident_mb(process.pid),
                    )
                )
                print(
                    json.dumps(dict(zip(("s", "frames", "dropped", "mb"), samples[-1], strict=True))), file=sys.stderr
                )
                time.sleep(SAMPLE_S)
    settled = [s for s in samples if s[0] >= min(SETTLE_S, minutes * 30)]
    first, last = settled[0], settled[-1]
    seconds = last[0] - first[0]
    return {
        "minutes": round(last[0] / 60, 2),
        "frames_per_s": round((last[1] - first[1]) / seconds, 2),
        "frames_dropped": int(last[2] - first[2]),
        "memory_mb_after_settling": round(first[3], 1),
        "memory_mb_at_end": round(last[3], 1),
        "memory_mb_highest": round(max(s[3] for s in settled), 1),
    }
