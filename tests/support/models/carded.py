"""A pack of two models that are none, for what is written into their cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def carded_pack(folder: Path, rows: dict[str, Any] | None = None) -> Path:
    """A manifest with a detector `d` and an embedder `e`, whose card has one table; `rows` are its rows."""
    common = {"licence": "", "teacher": "", "data": [], "limits": "", "default": True, "generative": False}
    common |= {
        "input": {"name": "image", "shape": [1], "color": "BGR"},
        "outputs": {},
        "opset": 17,
        "precision": "int8",
    }
    common |= {"bytes": 1, "provenance": dict.fromkeys(("command", "seed", "steps", "batch_size", "minutes", "torch"))}
    scores = {"tables": [{"what": "other", "rows": rows or {"clean": {"accuracy": 1.0}}}]}
    models = [
        common | {"name": "detect_mosaic", "task": "detect", "file": "d.onnx", "sha256": "d", "scores": {}},
        common | {"name": "embed_plain", "task": "embed", "file": "e.onnx", "sha256": "e", "scores": scores},
    ]
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "models": models}), "utf-8")
    return folder
