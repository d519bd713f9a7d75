"""Seal a model pack: record what its models answer to the demo pictures, and enter that into the manifest.

`python -m tools.seal [--models DIR]`, after every change of a model: `edge probe`, `edge models use` and a test of the
repository judge by it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

from edge.app.selfcheck import known_answers
from edge.config import PACKAGED_MODELS, Config

FILE = "golden.json"


def seal(models: Path) -> str:
    """Write the answers beside the manifest and their hash into it; returns the hash."""
    with tempfile.TemporaryDirectory() as folder:  # without a data directory nothing that was probed counts
        made = known_answers.record(Config(data_dir=Path(folder), models_dir=models))
    data = (json.dumps(made, separators=(",", ":")) + "\n").encode()
    digest = hashlib.sha256(data).hexdigest()
    path = models / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    manifest["golden"] = {"file": FILE, "sha256": digest, "bytes": len(data)}
    (models / FILE).write_bytes(data)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    partial.replace(path)
    return digest


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=PACKAGED_MODELS)
    args = parser.parse_args()
    print(f"{args.models / FILE}: {seal(args.models)}")


if __name__ == "__main__":
    main()
