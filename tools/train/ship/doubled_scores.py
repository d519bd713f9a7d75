"""Scores of pictures doubled after they were made smaller in several ways: PSNR beside bicubic, kind by kind.

A user's small picture may have been shrunk by anything; a net that knows one way alone is worse than none elsewhere.
`python -m tools.train.ship.doubled_scores` measures the shipped net that doubles by default, and writes its card.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.nn import functional

from tools import manifest
from tools.data import DATA
from tools.train import paths
from tools.train.material import pictures, shrinks
from tools.train.material.canvases import inner
from tools.train.material.pictures import Image, Planes
from tools.train.ship.answered import put_table
from tools.train.ship.heldout import dev_canvases, net
from tools.train.ship.pack_entry import write_entry

BORDER_PX = 2
_WHAT = "Made half as large in several ways and doubled again"
SIGMA, QUALITY = 0.7, 85
"""The blur before, and the JPEG after, of the rows that show them; both with antialiasing."""


def doubled_table(models: dict[str, Path], multiple: int) -> dict[str, Any]:
    """Mean PSNR of luma on Set5, Set14 and held-out faces, for each kind of shrinking."""
    nets = {name: net(path, multiple) for name, path in models.items()}
    sets = {"scenes": _scenes(), "faces": [_luma(np.ascontiguousarray(inner(one))) for one in dev_canvases()]}
    rows: dict[str, dict[str, Any]] = {}
    for kind in (*shrinks.KINDS, "blurred before", "JPEG after"):
        row = rows.setdefault(kind, {})
        for where, truths in sets.items():
            found: dict[str, list[float]] = {}
            for truth in truths:
                given = _shrunk(truth, kind)
                answers = {"bicubic": _bicubic(given), **{name: one(given) for name, one in nets.items()}}
                for name, answer in answers.items():
                    found.setdefault(name, []).append(_db(pictures.bytes_of(answer), truth))
            row |= {f"{where}, {name}": float(np.mean(values)) for name, values in found.items()}
    what = (
        f"{_WHAT}: mean PSNR of luma in dB on the 19 scenes of Set5 and "
        f"Set14 and on {len(sets['faces'])} aligned crops of held-out people (input of 8 bits, {BORDER_PX} px of "
        f"border left out). Blurred before: Gaussian of {SIGMA} px; JPEG after: quality {QUALITY}; both antialiased"
    )
    return {"what": what, "rows": rows}


def _scenes() -> list[Planes]:
    paths = [path for folder in ("set5", "set14") for path in sorted((DATA / "scenes" / folder).iterdir())]
    return [_luma(np.asarray(image, np.uint8)) for path in paths if (image := cv2.imread(str(path))) is not None]


def _luma(image: Image) -> Planes:
    return pictures.luma(np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]))


def _shrunk(truth: Planes, kind: str) -> Planes:
    if kind == "blurred before":
        return pictures.bytes_of(shrinks.KINDS["antialiased"](shrinks.blurred(truth, SIGMA)))
    if kind == "JPEG after":
        return shrinks.coded(shrinks.KINDS["antialiased"](truth), QUALITY)
    return pictures.bytes_of(shrinks.KINDS[kind](truth))


def _bicubic(given: Planes) -> Planes:
    out = functional.interpolate(torch.from_numpy(given)[None], scale_factor=2, mode="bicubic", antialias=True)
    return np.asarray(out[0].numpy(), np.float32)


def _db(answer: Planes, truth: Planes) -> float:
    cut = slice(BORDER_PX, -BORDER_PX)
    error = (answer - truth)[..., cut, cut].astype(np.float64)
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def enter(models: Path, table: dict[str, Any]) -> None:
    """Write a table of `doubled_table` into the entry and card of the pack's default net that doubles."""
    entry = _default(models)
    put_table(entry, _WHAT, table)
    write_entry(models, entry)


def _default(models: Path) -> dict[str, Any]:
    return next(one for one in manifest.read(models)["models"] if one["task"] == "sr2" and one["default"])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="measure the shipped doubling net on pictures shrunk in several ways")
    parser.add_argument("--models", type=Path, default=paths.MODELS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    entry = _default(args.models)
    enter(args.models, doubled_table({"int8": args.models / entry["file"]}, entry["input"]["multiple"]))


if __name__ == "__main__":
    main()
