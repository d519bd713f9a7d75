"""What a public embedder brings beside ours: the rows that `edge models adopt` leads to, in one run.

`python -m tools.accuracy.adopted FILE.onnx [--with-own 0.5] [--degrade clean ...]` prints FNIR at FPIR 1e-2 of our
embedder, of the public one, and of both together, as `edge eval identify` measures a pack: on faces that our detector
finds and aligns. `--people N` looks at the first N people alone. Needs the public data.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge.app.build import load_models
from edge.app.evaluation.accuracy import read_people
from edge.app.packs.public_models import find_format, find_public
from edge.capture.pictures.images import read_image
from edge.config import Config, RuntimeConfig
from edge.detect import Detector
from edge.evaluate.identify import evaluate_identification, split_people
from edge.recognise import CombinedEmbedder, Embedder
from edge.sessions import load_file
from tools.data import DATA

LFW = DATA / "faces" / "lfw"
RUNTIME = RuntimeConfig(threads=1)
FAULTS = ("clean", "dark:5", "motion:3", "cctv:4")
FPIR = "0.01"


def embedders(own: Embedder, file: Path, with_own: float) -> dict[str, Embedder]:
    """Ours, that of a public file, and both as `edge models adopt --with-own` combines them."""
    plain = load_file(file, "embed", RUNTIME)
    public = find_public(plain.sha256)
    spec = public.input if public is not None else find_format(file.stem, "embed").input
    told = {"name": plain.input_name, "shape": plain.input_shape}
    theirs = Embedder(load_file(file, "embed", RUNTIME, spec.model_copy(update=told)))
    both = CombinedEmbedder(theirs, own, with_own)
    return {"ours, as shipped": own, "public alone": theirs, f"both, `--with-own {with_own:g}`": both}


def rates(
    rows: Mapping[str, Embedder], detector: Detector, images: Path, people: Sequence[str], faults: Sequence[str]
) -> dict[str, list[float]]:
    """FNIR at FPIR 1e-2 by row, one for each fault."""
    parts = split_people(images, people)
    return {
        name: [
            report.fnir[FPIR]
            for report in evaluate_identification(parts, images, detector, embedder, read_image, degradations=faults)
        ]
        for name, embedder in rows.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--with-own", type=float, default=0.5)
    parser.add_argument("--degrade", action="append", metavar="NAME:LEVEL")
    parser.add_argument("--people", type=int, help="so many of the people alone")
    given = parser.parse_args()
    if not LFW.is_dir():
        sys.exit(f"the public data are not in {DATA}; set EDGE_TEST_DATA")
    stages = load_models(Config(runtime=RUNTIME)).stages
    people = read_people(LFW / "people_dev.txt")[: given.people]
    faults = given.degrade or FAULTS
    found = rates(
        embedders(stages.embedder, given.file, given.with_own), stages.detector, LFW / "images", people, faults
    )
    print(f"| pack | {' | '.join(faults)} |\n|---|{'---|' * len(faults)}")
    for name, row in found.items():
        print(f"| {name} | {' | '.join(f'{rate:.3f}'.lstrip('0') for rate in row)} |")


if __name__ == "__main__":
    main()
