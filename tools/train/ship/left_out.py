"""The embedder's table of faults never trained on, from answers of `edge eval pairs --peer DIR --json`.

`python -m tools.train.ship.left_out [--models DIR] ANSWER.json ...`; nothing else of the pack changes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge.pixels import degrade
from tools.train import paths
from tools.train.ship import answered
from tools.train.ship.pack_entry import write_entry

_WHAT = "Faults that no training drew, and clean pictures"
_SIDES = {"ours": "rows", "public": "peer"}


def enter(models: Path, answers: Sequence[dict[str, Any]]) -> None:
    """Write the table of all answers into the default embedder's entry and card, in the place of the one before.

    Raises ValueError where an answer is of other models, lacks the public chain, or is of a fault that is trained on.
    """
    entry = answered.embedder_of(models, answers[0])
    rows: dict[str, dict[str, Any]] = {}
    for answer in answers:
        answered.embedder_of(models, answer)
        if "peer" not in answer:
            raise ValueError("an answer is without the public chain: measure with --peer DIR")
        for side, key in _SIDES.items():
            for row in answer[key]:
                rows.setdefault(row["degrade"], {}).update(_columns(side, row))
    trained = [name for name in rows if name.partition(":")[0] not in {"clean", *degrade.NEVER_TRAINED}]
    if trained:
        raise ValueError(f"{', '.join(trained)}: trained on, so it doesn't belong into this table")
    first = answers[0]["rows"][0]
    what = (
        f"{_WHAT}: {first['num_pairs']} pairs of held-out people, our detector and embedder beside YuNet and "
        "MobileFaceNet; 10-fold accuracy and TAR at FMR 1e-2; "
        f"`no face`: pictures of {first['num_pictures']} cut at the usual place, since the chain finds nobody there"
    )
    answered.put_table(entry, _WHAT, {"what": what, "rows": rows})
    write_entry(models, entry)


def _columns(side: str, row: dict[str, Any]) -> dict[str, Any]:
    figures = {"accuracy": row["accuracy"], "TAR": row["tar"]["1e-2"], "no face": row["num_without_face"]}
    return {f"{side} {name}": value for name, value in figures.items()}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="write the table of faults never trained on into the embedder's card")
    parser.add_argument("answers", type=Path, nargs="+", help="what edge eval pairs --peer DIR --json wrote")
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    args = parser.parse_args()
    enter(args.models, [json.loads(path.read_text("utf-8")) for path in args.answers])


if __name__ == "__main__":
    main()
