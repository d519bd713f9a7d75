"""The commands behind the figures of docs/measured.md, and their kept answers."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.pixels import degrade
from tools import manifest
from tools.data import DATA, ROOT
from tools.figures import headers
from tools.figures.tables import rows_under

DOCUMENT = ROOT / "docs" / "measured.md"
ANSWERS = ROOT / "build" / "figures"
MODELS = ROOT / "models" / "quantized"
LFW = DATA / "faces" / "lfw"
PEOPLE = ("--images", LFW / "images", "--people", LFW / "people_dev.txt")
PAIRS = ("--images", LFW / "images", "--pairs", LFW / "pairs_dev.txt")
PEER = ("--peer", DATA / "weights")
FOOTAGE = ("cctv1.mp4", "crowd-1080p.mp4", "one-by-one-person-detection.mp4")
STEPS = {
    "denoise": ("dark:3", "dark:5", "noise:3", "noise:5"),
    "lime": ("dark:3", "dark:5"),
    "deblur": ("motion:3", "motion:5", "blur:3", "blur:5"),
    "restore": ("jpeg:3", "jpeg:5", "cctv:3", "cctv:5"),
    "sr2": ("small:3", "small:5"),
    "sr4": ("small:3", "small:5"),
}
WITHOUT_STEPS = ("pairs", "never", "drawn", "identify", "detect", "groups")
"""Answers that no choice of steps changes."""
Answer = dict[str, Any]


def faults_of(header: str) -> list[str]:
    """The names in the first column of the document's table under `header`."""
    return [cells[0] for cells in rows_under(DOCUMENT.read_text("utf-8"), header)]


def each(names: Sequence[str]) -> tuple[str, ...]:
    """`--degrade NAME` for every one."""
    return tuple(word for name in names for word in ("--degrade", name))


def commands() -> dict[str, tuple[object, ...]]:
    """What to run by the name of its answer: words after `edge`, or after `python -m` where the first is in `tools`."""
    never = ["clean", *(f"{name}:{level}" for name in degrade.NEVER_TRAINED for level in (3, 4))]
    named, where = headers.columns(headers.NAMED), headers.columns(headers.WHERE)
    clips = [word for clip in FOOTAGE for word in ("--footage", DATA / "video" / clip)]
    steps = {
        f"step_{step}": ("eval", "restore", *PEOPLE, "--steps", step, *each(faults)) for step, faults in STEPS.items()
    }
    return {
        "pairs": ("eval", "pairs", *PAIRS, *PEER, *each(faults_of(headers.WHO))),
        "never": ("eval", "pairs", *PAIRS, *PEER, *each(never)),
        "drawn": ("eval", "pairs", *PAIRS, *each(faults_of(headers.DRAWN))),
        "identify": ("eval", "identify", *PEOPLE, *PEER, *each(named)),
        "detect": (
            *("eval", "detect", *PEOPLE, "--scenes", DATA / "scenes" / "set14", *PEER, "--count", "60"),
            *("--face-px", "110", *each(where), *clips),
        ),
        "enhanced": ("eval", "pairs", *PAIRS, "--enhance", "auto", *each(faults_of(headers.ENHANCED))),
        "eyes": ("eval", "restore", *PEOPLE, "--steps", "auto", *each(faults_of(headers.FOR_EYES))),
        **steps,
        "groups": ("eval", "groups", "--images", DATA / "faces" / "utk" / "dev"),
        "single": ("tools.accuracy.single_pictures", *each(["clean", "cctv:3", "haze:4", "dark:5", "lowres:4"])),
        "shots": ("tools.accuracy.fusion_curve", "--degrade", "cctv:4"),
        "early": ("tools.accuracy.early_answers", *each(["clean", "cctv:3"])),
        "signers3": ("tools.accuracy.signers", "--degrade", "cctv:3"),
        "signers4": ("tools.accuracy.signers", "--degrade", "cctv:4"),
    }


def measure(names: Sequence[str], *, again: bool) -> None:
    """Run the named commands, or all, one after the other. Raises SystemExit where one fails."""
    ANSWERS.mkdir(parents=True, exist_ok=True)
    known = commands()
    chosen = list(names) or list(known)
    for done, name in enumerate(chosen):
        begin, words, kept = time.monotonic(), [str(word) for word in known[name]], _file(name)
        if kept.is_file() and not again:
            continue
        called = [sys.executable, "-m", *(words if words[0].startswith("tools.") else ["edge", *words, "--json"])]
        ended = subprocess.run(called, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
        if ended.returncode:
            raise SystemExit(f"{name}: exit {ended.returncode} of {' '.join(called)}")
        kept.write_text(ended.stdout, "utf-8")
        print(f"{name}: {time.monotonic() - begin:.0f} s ({done + 1} of {len(chosen)})", flush=True)


def _file(name: str) -> Path:
    """Where an answer is kept: by detector, embedder and what chooses steps, so that none outlives its models."""
    choices = () if name in WITHOUT_STEPS else ("benefit.json", "view.json")
    default = {one["task"]: one["sha256"] for one in manifest.read(MODELS)["models"] if one["default"]}
    chosen = b"".join((MODELS / one).read_bytes() for one in choices)
    key = hashlib.sha256(chosen + default["detect"].encode() + default["embed"].encode()).hexdigest()
    return ANSWERS / f"{name}.{key[:12]}.txt"


def read(name: str) -> Answer | None:
    """A kept answer by the models in use."""
    file = _file(name)
    return json.loads(file.read_text("utf-8")) if file.is_file() else None
