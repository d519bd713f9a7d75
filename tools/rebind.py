"""Carry over what belongs to a pack's models after their files were rewritten without being trained anew.

    cp -r models/quantized /tmp/before
    python -m tools.quantize --halve models/quantized/*.onnx
    python -m tools.rebind --before /tmp/before [--models DIR]

Cohorts of strangers, `benefit.json` and `view.json` name the models they were measured with by SHA-256. For each file
that changed, this tool measures how alike old and new answer to 64 pictures in exact arithmetic, refuses where they are
not, writes size, SHA-256 and the measured likeness into the manifest, lets cohorts and both files name the new one, and
seals the pack. It never says that a figure was measured anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from edge.config import PACKAGED_MODELS
from edge.enhance.benefit import BENEFIT_FILE
from edge.enhance.view import VIEW_FILE
from edge.sessions import ModelEntry
from tools import likeness, seal

MIN_MEAN_COSINE, MAX_MEAN_DIFFERENCE = 0.98, 2.0
"""Less alike than this (pixels: further apart, in 1/255) is another model, whose companions have to be made anew."""


def rebind(before: Path, models: Path) -> dict[str, str]:
    """Bind the pack in `models` to its rewritten files; returns model name -> how alike it is to the one in `before`.

    Raises
    ------
    ValueError
        A model answers something else than before; nothing is written then.
    """
    path = models / "manifest.json"
    manifest = json.loads(path.read_text("utf-8"))
    hashes: dict[str, str] = {}
    told: dict[str, str] = {}
    for entry in manifest["models"]:
        content = (models / entry["file"]).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest == entry["sha256"]:
            continue
        told[entry["name"]] = _compare(before, models, ModelEntry.model_validate(entry))
        hashes[entry["sha256"]] = digest
        entry |= {"sha256": digest, "bytes": len(content)}
        _note(entry, f"Rewritten after it was measured: {told[entry['name']]} to the file before, on 64 pictures.")
    for cohort in manifest.get("cohorts", []):
        if cohort["model_sha256"] in hashes:
            name = next(e["name"] for e in manifest["models"] if e["sha256"] == hashes[cohort["model_sha256"]])
            cohort["model_sha256"] = hashes[cohort["model_sha256"]]
            _note(cohort, f"Made with the file before {name} was rewritten: {told[name]} on 64 pictures.")
    _write(path, json.dumps(manifest, indent=2))
    for name in (BENEFIT_FILE, VIEW_FILE):
        _bind_choices(models / name, hashes, told)
    _write_cards(models, manifest)
    seal.seal(models)
    return told


def _compare(before: Path, models: Path, entry: ModelEntry) -> str:
    shown = likeness.pictures(entry.task)
    old, new = (likeness.answers(folder / entry.file, entry, shown, is_exact=True) for folder in (before, models))
    found = likeness.compare(entry.task, old, new)
    is_same = found.mean >= MIN_MEAN_COSINE if found.kind == "cosine" else found.mean <= MAX_MEAN_DIFFERENCE
    if not is_same:
        raise ValueError(f"{entry.file}: {found.told()} to the file before: measure it and its companions anew")
    return found.told()


def _note(entry: dict[str, Any], sentence: str) -> None:
    made = entry.setdefault("provenance", {})
    made["notes"] = [*made.get("notes", []), sentence]


def _bind_choices(path: Path, hashes: dict[str, str], told: dict[str, str]) -> None:
    if not path.is_file():
        return
    held = json.loads(path.read_text("utf-8"))
    for key in {"models", "measured_with"} & set(held):
        held[key] = {task: hashes.get(sha256, sha256) for task, sha256 in held[key].items()}
    held.setdefault("how", {})["measured_with_the_files_before"] = told
    _write(path, json.dumps(held, indent=1))


def _write_cards(models: Path, manifest: dict[str, Any]) -> None:
    from tools.train.ship import cards

    (models / "MODELS.md").write_text(cards.page(manifest["models"]), "utf-8")


def _write(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text + "\n", "utf-8")
    partial.replace(path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="bind a pack's companions to files that were rewritten")
    parser.add_argument("--before", type=Path, required=True, help="folder with the files as they were")
    parser.add_argument("--models", type=Path, default=PACKAGED_MODELS)
    args = parser.parse_args()
    for name, words in rebind(args.before, args.models).items():
        print(f"{name}: {words}")


if __name__ == "__main__":
    main()
