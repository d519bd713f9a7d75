"""The pack's `manifest.json` as the tools change it: read as a dict, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge.durable import replace

FILE = "manifest.json"


def read(models: Path) -> dict[str, Any]:
    """The manifest of a pack's folder; an empty one where there is none yet."""
    path = models / FILE
    return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {"version": 1, "models": []}


def write(models: Path, manifest: dict[str, Any]) -> None:
    """Replace the manifest of a pack's folder."""
    replace(models / FILE, (json.dumps(manifest, indent=2) + "\n").encode(), mode=0o644)
