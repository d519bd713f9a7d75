"""The signers' clips end to end, degraded: who is named correctly, wrongly, or not at all.

`python -m tools.accuracy.signers [--degrade cctv:3] [--models DIR]`: A, B and C are enrolled from one clip of theirs,
clean; D and E are strangers. Every other clip goes through the pipeline as `edge process` runs it; one JSON line per
clip.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from edge.app.build import load_active_list, load_models
from edge.app.offline.clips import process
from edge.app.offline.contents import Clip
from edge.app.offline.degrader import Degradation
from edge.app.people.calibration import calibrate
from edge.app.people.people import enrol
from edge.config import Config
from edge.records import Person
from edge.store import Store
from tools.data import DATA, SIGNERS

ENROLMENTS = (
    {"again": "A", "bird": "B", "book": "C"},
    {"brother": "A", "milk": "B", "learn": "C"},
)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="names on the signers' clips, degraded")
    parser.add_argument("--degrade", default="cctv:3")
    parser.add_argument("--models", type=Path, default=Config().models_dir)
    parser.add_argument("--one-in", type=float, help="calibrate to this instead of the configured limits")
    args = parser.parse_args()
    config = Config(models_dir=args.models)
    models = load_models(config)
    clips = DATA / "video" / "asl"
    right = wrong = missed = 0
    for enrolled in ENROLMENTS:
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
            for clip, who in enrolled.items():
                enrol(store, models, Person(who, who, "signer"), [clips / f"{clip}.mkv"])
            if args.one_in:
                calibrate(config, models, store, one_in=args.one_in, min_margin=None, write=True)
            probes = [Clip(name, clips / f"{name}.mkv") for name in SIGNERS if name not in enrolled]
            fault = None if args.degrade == "clean" else Degradation.parse(args.degrade)
            for result in process(config, models, load_active_list(store, models), probes, degradation=fault):
                hits = [draft.hit for draft in result.drafts.values()]
                who = SIGNERS[result.clip.camera]
                named = sorted({hit.person.person_id for hit in hits})
                expected = [who] if who in enrolled.values() else []
                right += named == expected
                wrong += bool(set(named) - set(expected))
                missed += bool(set(expected) - set(named))
                best = max((end.match.similarity for end in result.ended if end.match), default=None)
                told = {"clip": result.clip.camera, "is": who, "named": named, "expected": expected}
                timings = [hit.decision["timing"] for hit in hits]
                print(json.dumps({**told, "best": None if best is None else round(best, 3), "timing": timings}))
    print(json.dumps({"degrade": args.degrade, "right": right, "wrong_name": wrong, "missed": missed}))


if __name__ == "__main__":
    main()
