"""Tables of the embedder's card that are answers of `edge eval ... --json`, with the models that are shipped.

`python -m tools.figures write` enters them together with those of docs/measured.md, so that the two never differ;
`python -m tools.train.ship.answered groups|pairs ANSWER.json` enters one. `left_out` has the faults never trained on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tools import manifest
from tools.train import paths
from tools.train.ship.pack_entry import write_entry

_GROUPS = "False matches within groups and across"
_FORMER = "; fp32 and MobileFaceNet on the crops of the detector with which this file was packed"
PER = 1e4
"""Rates are told in units of 1e-4."""


def embedder_of(models: Path, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of the default embedder. Raises ValueError where the answer is of other models than the defaults."""
    default = {one["task"]: one for one in manifest.read(models)["models"] if one["default"]}
    if any(answer["models"][task] != default[task]["sha256"] for task in ("detect", "embed")):
        raise ValueError(f"an answer is of other models than {models} has: measure these")
    return dict(default["embed"])


def put_table(entry: dict[str, Any], begin: str, table: dict[str, Any]) -> None:
    """Put a table last, and take away the one whose text begins so."""
    others = [one for one in entry["scores"].get("tables", []) if not one["what"].startswith(begin)]
    entry["scores"]["tables"] = [*others, table]


def enter_groups(models: Path, answer: Mapping[str, Any]) -> None:
    """Fairness: write what `edge eval groups` counted into the default embedder's entry and card."""
    entry, rows = embedder_of(models, answer), {"all pairs": _rate(answer["all"])}
    for kind in ("sex", "skin", "age"):
        found = answer["by"][kind]
        rows |= {f"{where} {kind}": _rate(found[where]) for where in ("within", "across")}
        rows |= {f"{kind}: {group['group']}": _rate(group) for group in found["groups"]}
    what = (
        f"{_GROUPS} of sex, skin and age, at similarity {answer['min_similarity']:g} (`edge eval groups`): every two "
        f"of {answer['num_pictures']:,} tightly cut faces of UTKFace that no training saw count as two people; rates "
        "in 1e-4, with 95 % bounds"
    )
    put_table(entry, _GROUPS, {"what": what, "rows": rows})
    write_entry(models, entry)


def enter_pairs(models: Path, answer: Mapping[str, Any]) -> None:
    """Verification: write the int8 columns of `edge eval pairs` into the first table of the default embedder.

    A detector that came later finds the faces otherwise; those of the other columns, whose files are not shipped, stay
    as they were measured, and the table says so.
    """
    entry = embedder_of(models, answer)
    table = entry["scores"]["tables"][0]
    for row in answer["rows"]:
        if (kept := table["rows"].get(row["degrade"])) is not None:
            kept |= {"int8 accuracy": row["accuracy"], "int8 TAR": row["tar"]["1e-2"]}
            if "no face" in kept:
                kept["no face"] = row["num_without_face"]
    table["what"] = table["what"].removesuffix(_FORMER) + _FORMER
    write_entry(models, entry)


def _rate(found: Mapping[str, Any]) -> dict[str, Any]:
    counts = {"false matches": found["matches"], "pairs": found["pairs"]}
    rates = {"rate": found["fmr"], "low": found["low"], "high": found["high"]}
    return counts | {name: None if value is None else PER * value for name, value in rates.items()}


ENTER: dict[str, Callable[[Path, Mapping[str, Any]], None]] = {"groups": enter_groups, "pairs": enter_pairs}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="write an answer of edge eval --json into the embedder's card")
    parser.add_argument("kind", choices=sorted(ENTER))
    parser.add_argument("answer", type=Path)
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    args = parser.parse_args()
    ENTER[args.kind](args.models, json.loads(args.answer.read_text("utf-8")))


if __name__ == "__main__":
    main()
