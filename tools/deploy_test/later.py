"""What sets a later release apart: a database schema and an embedder that the release before does not know.

The embedder is the same network with a note in its metadata, so that its hash is another one and its answers are not:
what was measured with the file before holds for it, too.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import onnx

MIGRATIONS = "edge/store/migrations"
MODELS = "models/quantized"


def add_migrations(source: Path, count: int) -> int:
    """Put `count` migrations on top of those of a checkout; returns the number of the last one."""
    folder = source / MIGRATIONS
    last = max(int(path.name[:4]) for path in folder.glob("*.sql"))
    for number in range(last + 1, last + count + 1):
        (folder / f"{number:04d}_later.sql").write_text(f"CREATE TABLE later_{number} (n INTEGER) STRICT;\n", "utf-8")
    return last + count


def note_embedder(source: Path, note: str) -> str:
    """Give the embedder of a checkout another hash, in every file of the pack that names it; returns that hash."""
    models = source / MODELS
    manifest = json.loads((models / "manifest.json").read_text("utf-8"))
    entry = next(one for one in manifest["models"] if one["task"] == "embed" and one["default"])
    file = models / entry["file"]
    model = onnx.load(file)
    model.metadata_props.add(key="note", value=note)
    onnx.save(model, file)
    former, made = entry["sha256"], _sha256(file)
    for path in models.glob("*.json"):
        path.write_text(path.read_text("utf-8").replace(former, made), "utf-8")
    manifest = json.loads((models / "manifest.json").read_text("utf-8"))
    next(one for one in manifest["models"] if one["sha256"] == made)["bytes"] = file.stat().st_size
    manifest["golden"]["sha256"] = _sha256(models / manifest["golden"]["file"])
    (models / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    return made


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
