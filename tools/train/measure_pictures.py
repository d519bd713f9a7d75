"""Measure a picture net outside the pack, as its card has it.

`python -m tools.train.measure_pictures NAME --model FILE --fp32 FILE [--checkpoint FILE]` prints the tables.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tools.train.pack_pictures import MODELS
from tools.train.ship import picture_scores


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="measure a picture net outside the pack")
    parser.add_argument("name", choices=sorted(MODELS))
    parser.add_argument("--model", type=Path, required=True, help="int8")
    parser.add_argument("--fp32", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--sheet", type=Path, help="picture of input, output and truth of held-out people")
    args = parser.parse_args()
    model = MODELS[args.name]
    print(json.dumps(picture_scores.scores(model, {"int8": args.model, "fp32": args.fp32}, args.checkpoint), indent=1))
    if args.sheet is not None:
        picture_scores.faces_sheet(model, args.model, args.sheet)


if __name__ == "__main__":
    main()
