"""The AT&T faces, 40 people in one studio, gray and tightly cut: our chain beside the public one. No training saw them.

`python -m tools.accuracy.att_faces [--degrade clean --degrade cctv:3]` enrols every second person with two pictures and
looks for them among the others: FNIR at FPIR 1e-2 and 1e-1 of our chain and of YuNet with MobileFaceNet. Needs the
public data.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from edge.app.evaluation.accuracy import identification
from edge.capture.pictures.images import read_image
from edge.config import Config, RuntimeConfig
from edge.pixels.encode import to_png
from tools.data import DATA

FACES, WEIGHTS = DATA / "faces" / "orl", DATA / "weights"
HEADER = "| fault | ours: FNIR at FPIR 1e-2, 1e-1 | YuNet + MobileFaceNet | pictures without a face, ours / YuNet |"


def lay_out(faces: Path, folder: Path) -> list[str]:
    """Copy `faces/PERSON/NUMBER.png` into `folder` as `edge eval` expects pictures; returns the people."""
    people = sorted(path.name for path in faces.iterdir() if path.is_dir())
    for person in people:
        (folder / person).mkdir()
        for path in sorted((faces / person).glob("*.png")):
            (folder / person / f"{person}_{int(path.stem):04d}.jpg").write_bytes(to_png(read_image(path)))
    return people


def row(ours: dict[str, Any], public: dict[str, Any]) -> str:
    """One line of the table."""
    rates = [", ".join(f"{one['fnir'][key]:.3f}" for key in ("0.01", "0.1")) for one in (ours, public)]
    missed = " / ".join(str(one["num_without_face"]) for one in (ours, public))
    return f"| {ours['degrade']} | {rates[0]} | {rates[1]} | {missed} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--degrade", action="append", metavar="NAME:LEVEL")
    given = parser.parse_args()
    if not FACES.is_dir() or not WEIGHTS.is_dir():
        sys.exit(f"the public data are not in {DATA}; set EDGE_TEST_DATA")
    with tempfile.TemporaryDirectory(prefix="att-faces-") as name:
        folder = Path(name)
        listed = folder / "people.txt"
        listed.write_text("\n".join(lay_out(FACES, folder)) + "\n", "utf-8")
        answer = identification(
            Config(runtime=RuntimeConfig(threads=1)),
            folder,
            listed,
            degradations=given.degrade or ["clean"],
            peer=WEIGHTS,
            min_margin=0.0,
        )
    first = answer["rows"][0]
    print(
        f"{first['num_people']} people, {first['num_genuine']} probes of them, {first['num_strangers']} of strangers\n"
    )
    print(HEADER, "|---|---|---|---|", sep="\n")
    for ours, public in zip(answer["rows"], answer["peer"], strict=True):
        print(row(ours, public))


if __name__ == "__main__":
    main()
