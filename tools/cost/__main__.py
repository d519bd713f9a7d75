"""CPU milliseconds a frame of ours against the public chain: `python -m tools.cost`.

Process time of all threads, in turns in one run, so that other load on the machine counts little. Needs the public
weights and pictures beside the checkout; says so and ends where they are absent.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.app.build import load_models
from edge.config import Config, RuntimeConfig
from edge.enhance import warm_up
from edge.pipeline.pace import Pace
from tools.cost import scene
from tools.cost.chains import Ours, Public, Spent, store_with
from tools.data import DATA

WEIGHTS = ("yunet_n_dynamic.onnx", "mobilefacenet_foamliu.onnx")


def measure(busy_s: float, rounds: int, threads: int) -> dict[str, Any]:
    """JSON-ready: ms a frame by stage for each chain and scene, and the ratios that are asked."""
    runtime = RuntimeConfig(threads=threads)
    models = load_models(Config(runtime=runtime))
    warm_up()
    live = Pace.of(Config().detect)
    paces = {"every frame": Pace(), "gate off": replace(live, idle_fps=0.0), "gate on": live}
    with tempfile.TemporaryDirectory(prefix="edge-cost-") as name:
        clips = {"busy": Path(name) / "busy.mp4", "quiet two thirds": Path(name) / "quiet.mp4"}
        people, listed = scene.people(DATA), scene.pictures(DATA)[1]
        scene.write(clips["busy"], scene.frames(people, busy_s))
        scene.write(clips["quiet two thirds"], scene.frames(people, busy_s, quiet_s=2 * busy_s))
        public = Public(DATA / "weights", runtime)
        public.play(clips["busy"], Spent())
        spent = {which: {chain: Spent() for chain in ("public", *paces)} for which in clips}
        frames = dict.fromkeys(clips, 0)
        searched = {which: dict.fromkeys(paces, 0) for which in clips}
        for _ in range(rounds):  # outermost: chains that are compared run close to each other
            for which, clip in clips.items():
                frames[which] += public.play(clip, spent[which]["public"])
                for chain, pace in paces.items():
                    with store_with(models, listed) as store:
                        ours = Ours(models, store, pace)
                        ours.play(clip, spent[which][chain])
                        searched[which][chain] += ours.searched
                        ours.close()
    rows = {
        which: {
            chain: {
                "ms": round(sum(one.ms.values()) / frames[which], 2),
                "of": {stage: round(ms / frames[which], 2) for stage, ms in one.ms.items()},
                **({"searched": round(searched[which][chain] / frames[which], 3)} if chain in paces else {}),
            }
            for chain, one in spent[which].items()
        }
        for which in clips
    }
    return {"threads": threads, "scenes": rows, "times_less": _ratios(rows)}


def _ratios(rows: dict[str, dict[str, Any]]) -> dict[str, float]:
    busy, quiet = rows["busy"], rows["quiet two thirds"]
    return {
        "every frame, four faces": round(busy["public"]["ms"] / busy["every frame"]["ms"], 2),
        "gate off, four faces": round(busy["public"]["ms"] / busy["gate off"]["ms"], 2),
        "gate on, quiet two thirds": round(quiet["public"]["ms"] / quiet["gate on"]["ms"], 2),
        "gate on, quiet two thirds, against the public chain on four faces": round(
            busy["public"]["ms"] / quiet["gate on"]["ms"], 2
        ),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="with four faces; the other scene has twice as many quiet"
    )
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=RuntimeConfig().threads)
    given = parser.parse_args()
    missing = [name for name in WEIGHTS if not (DATA / "weights" / name).is_file()]
    if missing or not (DATA / "faces" / "lfw").is_dir():
        print(f"left out: {', '.join(missing) or 'the faces'} not in {DATA}; set EDGE_TEST_DATA", file=sys.stderr)
        return
    print(json.dumps(measure(given.seconds, given.rounds, given.threads), indent=1))


if __name__ == "__main__":
    main()
