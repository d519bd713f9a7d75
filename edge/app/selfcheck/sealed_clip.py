"""The sealed reference: a clip and a portrait whose figures were recorded, replayed by a box after every change.

Whatever changed (program, model pack, runtime, driver), the same frames must lead to the same hit within a band that
was recorded when the release was made. Beside it, the box's own gallery: each kept picture must still give the
embedding that it gave when it was enrolled. Thresholds are the defaults, not the box's: its list is not judged here.
What `edge probe` chose for a box is replayed, since that is what runs there; it has no say in what is recorded, which
is the same on every machine.
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
from edge.app.build import load_models, load_watch
from edge.app.offline import clips
from edge.app.people.embeddings import crop_of
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.app.selfcheck.figures import Finding, bands_of, judge
from edge.config import Config
from edge.errors import EdgeError, ImageError
from edge.ops.packs.choice import platform_facts
from edge.pixels.encode import file_sha256, to_png
from edge.records import Person
from edge.sessions import Pack
from edge.store import Store

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
    """Whether `folder` holds a whole reference that this version recorded with this pack."""
    try:
        record = _read(folder)
    except EdgeError:
        return False
    is_all = demo_clip.SCENE in record["files"]
    return bool(is_all and record["version"] == __version__ and record["pack_sha256"] == _pack_sha256(models_dir))


def replay(config: Config, folder: Path) -> list[Finding]:
    """Play the sealed clip through this box's program, models and runtime; ImageError where the seal is broken."""
    record = _read(folder)
    figures = _measure(config, folder, is_chosen=True)
    return judge(figures, record["bands"])


def check_gallery(config: Config) -> list[Finding]:
    """Embed the box's own kept pictures again: none may have moved, and none may be of a model that is not in use."""
    if not (config.data_dir / "edge.db").is_file():
        return []
    models = load_models(config)
    with Store.open(config.data_dir) as store:
        references = store.references()
        if not references:
            return []
        own = [one for one in references if one.model_sha256 == models.stages.embedder.sha256]
        moved = 0
        for one in own:
            try:
                now = models.stages.embedder.embed([crop_of(store, one)])[0]
            except EdgeError:  # a picture that is gone says nothing about the model
                continue
            moved += float(np.dot(now, one.embedding)) < SAME_FACE
    foreign = len(references) - len(own)
    return [Finding("references that moved", moved, 0, 0), Finding("references of another model", foreign, 0, 0)]


def changed_since(config: Config) -> bool:
    """Whether program, pack, runtime or driver are others than when the reference last held, or it never did."""
    try:
        return bool(json.loads((config.data_dir / CHECKED).read_text("utf-8")) != _surroundings(config))
    except (OSError, ValueError):
        return True


def note_held(config: Config) -> None:
    """Remember with what the reference held."""
    with contextlib.suppress(OSError):  # a box that was never started has no data directory yet
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
        played = clips.Clip("reference", folder / CLIP)
        (result,) = clips.process(plain, models, load_watch(store, models), [played])
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
        raise ImageError(f"{folder}: no whole sealed reference ({error}); install the release again") from None
    return record


def _pack_sha256(models_dir: Path) -> str:
    return hashlib.sha256((Pack.open(models_dir).models_dir / "manifest.json").read_bytes()).hexdigest()
