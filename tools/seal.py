"""Seal a model pack: record what its models answer to the demo pictures, and enter that into the manifest.

`python -m tools.seal [--models DIR]`, after every change of a model: `edge probe`, `edge models use` and a test of the
repository judge by it.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from edge.app.selfcheck import known_answers
from edge.config import PACKAGED_MODELS, Config


def seal(models: Path) -> str:
    """Write the answers beside the manifest and their hash into it; returns the hash."""
    with tempfile.TemporaryDirectory() as folder:  # without a data directory nothing that was probed counts
        return known_answers.seal(Config(data_dir=Path(folder), models_dir=models), models)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=PACKAGED_MODELS)
    args = parser.parse_args()
    print(f"{args.models / known_answers.FILE}: {seal(args.models)}")


if __name__ == "__main__":
    main()
