"""A night in little: one camera before which people come now and then, and what each second of it takes.

Rendered, so that it can be run again: each round is a minute in which four people are there for eight seconds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np

from edge.ops.system.processor import processor
from tests.support.appliance import Appliance
from tools.cost import scene
from tools.data import DATA
from tools.load.cameras import samples
from tools.start import children_of, cpu_s

BUSY_S, QUIET_S = 8.0, 52.0
WARM_S = 15.0
WIDTH, HEIGHT, LEFT, BELOW, ABOVE = 900, 330, 60, 40, 40
COLORS = {"service": "#1f5fa8", "capture": "#c4661f", "searched": "#7a8a99"}
WORDS = {
    "service": "service, % of a core",
    "capture": "capture, % of a core",
    "searched": "frames searched for faces, a second",
}


@dataclass(frozen=True, slots=True)
class Second:
    """What one step took: `service` and `capture` in % of a core, frames taken and searched a second."""

    at_s: float
    service: float
    capture: float
    frames: float
    searched: float


def measure(minutes: float, out: Path | None, every_s: float = 1.0) -> dict[str, Any]:
    """JSON-ready: mean, 95th percentile and most over all steps, and the load beside; the curve as SVG into `out`."""
    if not (DATA / "faces" / "lfw").is_dir():
        sys.exit(f"the pictures of people are not in {DATA}; set EDGE_TEST_DATA")
    with tempfile.TemporaryDirectory(prefix="edge-night-") as name:
        clip = Path(name) / "clip.mp4"
        scene.write(clip, scene.frames(scene.people(DATA), BUSY_S, quiet_s=QUIET_S))
        box = Appliance(Path(name), camera=clip)
        token = box.edge("token", "add", "load", "--scope", "health:read").stdout.strip()
        with box.running() as service:
            time.sleep(WARM_S)
            seconds = list(_watch(box, token, service.pid, minutes * 60.0, every_s))
    load = round(os.getloadavg()[2], 1)
    if out is not None:
        out.write_text(svg(seconds, f"{processor()['name']}, 1280 x 720 at 30/s, load {load}"), "utf-8")
    return {"processor": processor()["name"], "minutes": minutes, "load": load, **figures(seconds)}


def figures(seconds: list[Second]) -> dict[str, Any]:
    """JSON-ready: `mean`, `p95` and `most` of each curve, of both processes together and of the frames taken."""
    rows = {kind: np.array([getattr(one, kind) for one in seconds]) for kind in (*COLORS, "frames")}
    rows["both"] = rows["service"] + rows["capture"]
    told: dict[str, Callable[[Any], Any]] = {
        "mean": np.mean,
        "p95": lambda row: np.percentile(row, 95),
        "most": np.max,
    }
    return {
        "steps": len(seconds),
        **{name: {kind: round(float(take(row)), 2) for kind, row in rows.items()} for name, take in told.items()},
    }


def _watch(box: Appliance, token: str, pid: int, last_s: float, every_s: float) -> Iterator[Second]:
    began = before = time.monotonic()
    counted = _counts(box, token, pid)
    while before - began < last_s:
        time.sleep(every_s)
        now, found = time.monotonic(), _counts(box, token, pid)
        service, capture, frames, searched = ((a - b) / (now - before) for a, b in zip(found, counted, strict=True))
        yield Second(now - began, 100 * service, 100 * capture, frames, searched)
        before, counted = now, found


def _counts(box: Appliance, token: str, pid: int) -> tuple[float, float, float, float]:
    """Processor seconds of the service and of its capture, frames taken and searched so far."""
    told = samples(box, token)
    frames, searched = (
        sum(value for (name, _), value in told.items() if name == wanted)
        for wanted in ("edge_frames_total", "edge_frames_searched_total")
    )
    return cpu_s(pid), sum(cpu_s(child) for child in children_of(pid)), frames, searched


def svg(seconds: list[Second], title: str) -> str:
    """The curves as a picture of lines and words alone; at least two steps."""
    last_s = seconds[-1].at_s
    top = max(10.0, *(max(one.service, one.capture, one.searched) for one in seconds))

    def place(at_s: float, value: float) -> tuple[float, float]:
        across = LEFT + (WIDTH - LEFT - 20) * at_s / last_s
        return across, HEIGHT - BELOW - (HEIGHT - BELOW - ABOVE) * value / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="13"><rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" fill="#333">{escape(title)}</text>',
    ]
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(0, top * share)
        parts.append(f'<path d="M{x:.1f} {y:.1f}H{WIDTH - 20}" stroke="#ddd"/>')
        parts.append(f'<text x="{x - 8:.1f}" y="{y + 4:.1f}" text-anchor="end" fill="#333">{top * share:.0f}</text>')
    for minute in range(int(last_s // 60) + 1):
        x, y = place(minute * 60.0, 0)
        anchor = "end" if x > WIDTH - 40 else "middle"  # else it would be cut off
        parts.append(f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="{anchor}" fill="#333">{minute} min</text>')
    for number, (kind, color) in enumerate(COLORS.items()):
        line = " ".join("{:.1f},{:.1f}".format(*place(one.at_s, getattr(one, kind))) for one in seconds)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        x = LEFT + 10 + 270 * number
        parts.append(f'<text x="{x}" y="{HEIGHT - 6}" fill="{color}">{WORDS[kind]}</text>')
    return "\n".join((*parts, "</svg>\n"))
