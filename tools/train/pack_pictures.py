"""A trained picture net -> the shipped pack, as `pack` does for the other two.

`python -m tools.train.pack_pictures NAME --checkpoint FILE [--models DIR] [--measure]`, NAME as in MODELS.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from tools.train import deblur, denoise, paths, restore, sr
from tools.train.ship import picture_net

MODELS = {model.name: model for model in (denoise.MODEL, deblur.MODEL, restore.MODEL, *sr.MODELS.values())}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="export, quantize, measure and enter a trained picture net")
    parser.add_argument("name", choices=sorted(MODELS))
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    parser.add_argument("--measure", action="store_true", help="also measure int8 and fp32 (minutes)")
    parser.add_argument("--note", action="append", default=[], help="a sentence for the card")
    args = parser.parse_args()
    torch.set_num_threads(1)
    entry = picture_net.ship(
        MODELS[args.name], args.checkpoint, args.models, is_measured=args.measure, notes=tuple(args.note)
    )
    print(json.dumps(entry["scores"], indent=1))


if __name__ == "__main__":
    main()
