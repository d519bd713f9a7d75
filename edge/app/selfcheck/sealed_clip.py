"""The sealed clip: a clip and a portrait with recorded figures, which a device replays after every change.

Whatever changed (program, model pack, runtime, driver), the same frames must lead to the same hit within a band that
was recorded when the release was made. Beside it, the device's own gallery is checked: each kept picture must still
give the embedding that it gave when it was enrolled. Default thresholds are used, because its list is not judged here.
A replay uses what `edge probe` chose for the device, since that runs there. A recording does not, so that it is the
same on every machine.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edge import __version__
from edge.app.build import load_active_list, load_models
from edge.app.offline import clips
from edge.app.offline.contents import Clip
from edge.app.people.embeddings import crop_from
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.app.selfcheck.figures import Finding, bands_of, judge
from edge.config import Config
from edge.errors import EdgeError, ImageError
from edge.ops.packs.choice import platform_facts
from edge.pixels.encode import to_png
from edge.pixels.hashing import file_sha256
from edge.records import Person
from edge.sessions import Pack
from edge.store import Store
from edge.store.people.references import picture_path, read_references

CLIP, RECORD = "clip.avi", "reference.json"
CHECKED = "reference-held.json"
INSTALLED = demo_clip.INSTALLED
SAME_FACE = 0.95
"""Least cosine between an embedding that was kept and the same picture embedded now."""
_PERSON = Person("reference", "Reference", "test")


def seal(config: Config, folder: Path) -> None:
    """Render the clip into `folder`, with the pictures it is made of, and record what these models make of it."""
    folder.mkdir(parents=True)
    demo_clip.render(folder / CLIP)
    (folder / demo_clip.PORTRAIT).write_bytes(to_png(demo_clip.portrait()))
    (folder / demo_clip.SCENE).write_bytes(to_png(demo_clip.scene()))
    figures = _measure(config, folder, is_chosen=False)
    record = {
        "version": __version__,
        "pack_sha256": _pack_sha256(config.models_dir),
        "files": {
            name: file_sha256((folder / name).read_bytes()) for name in (CLIP, demo_clip.PORTRAIT, demo_clip.SCENE)
        },
        "figures": figures,
        "bands": bands_of(figures),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=2) + "\n", "utf-8")


def is_sealed_for(folder: Path, models_dir: Path) -> bool:
    """Whether `folder` holds a whole sealed clip that this version recorded with this pack."""
    try:
        record = _read(folder)
    except EdgeError:
        return False
    is_all = demo_clip.SCENE in record["files"]
    return bool(is_all and record["version"] == __version__ and record["pack_sha256"] == _pack_sha256(models_dir))


def replay(config: Config, folder: Path) -> list[Finding]:
    """Play the sealed clip through this device's program, models and runtime; ImageError where the seal is broken."""
    record = _read(folder)
    figures = _measure(config, folder, is_chosen=True)
    return judge(figures, record["bands"])


def check_gallery(config: Config) -> list[Finding]:
    """Embed the device's kept pictures again: each must match its embedding. Those of another model can't be judged.

    The database is only read: a service of the release before, which knows no newer schema, may be at work on it.
    """
    references = read_references(config.data_dir)
    if not references:
        return []
    embedder = load_models(config).stages.embedder
    moved = 0
    for one in references:
        if one.model_sha256 != embedder.sha256:
            continue
        try:
            now = embedder.embed([crop_from(picture_path(config.data_dir, one), one)])[0]
        except EdgeError:  # a missing picture says nothing about the model
            continue
        moved += float(np.dot(now, one.embedding)) < SAME_FACE
    return [Finding("references that moved", moved, 0, 0)]


def changed_since(config: Config) -> bool:
    """Whether program, pack, runtime or driver have changed since the last replay that passed, or none ever passed."""
    try:
        return bool(json.loads((config.data_dir / CHECKED).read_text("utf-8")) != _surroundings(config))
    except (OSError, ValueError):
        return True


def note_held(config: Config) -> None:
    """Remember with which program, pack, runtime and driver the replay passed."""
    with contextlib.suppress(OSError):  # a device that was never started has no data directory yet
        (config.data_dir / CHECKED).write_text(json.dumps(_surroundings(config)), "utf-8")


def _surroundings(config: Config) -> dict[str, str | None]:
    return {"version": __version__, "pack": _pack_sha256(config.models_dir), **platform_facts()}


def _measure(config: Config, folder: Path, *, is_chosen: bool) -> dict[str, float]:
    """The clip's figures; `is_chosen`: with the models and providers that `edge probe` chose for this data_dir."""
    with tempfile.TemporaryDirectory(prefix="edge-reference-") as scratch, Store.open(Path(scratch)) as store:
        home = config.data_dir if is_chosen else Path(scratch)
        plain = Config(data_dir=home, models_dir=config.models_dir, runtime=config.runtime)
        models = load_models(plain)
        enrol(store, models, _PERSON, [folder / demo_clip.PORTRAIT])
        played = Clip("reference", folder / CLIP)
        (result,) = clips.process(plain, models, load_active_list(store, models), [played])
    similarity = max((draft.hit.similarity for draft in result.drafts.values()), default=0.0)
    return {
        "frames": result.frames,
        "faces": result.faces,
        "hits": len(result.drafts),
        "similarity": round(float(similarity), 4),
    }


def _read(folder: Path) -> dict[str, Any]:
    """The record, once the files it seals are those that are there."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text("utf-8"))
        for name, sha256 in record["files"].items():
            if file_sha256((folder / name).read_bytes()) != sha256:
                raise ImageError(f"{folder / name}: not the file that was sealed; install the release again")
    except (OSError, ValueError, KeyError) as error:
        raise ImageError(f"{folder}: no whole sealed clip ({error}); install the release again") from None
    return record


def _pack_sha256(models_dir: Path) -> str:
    return hashlib.sha256((Pack.open(models_dir).models_dir / "manifest.json").read_bytes()).hexdigest()
