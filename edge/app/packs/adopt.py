"""`edge models adopt`: a public or own ONNX file becomes a pack of this box, alone or combined with the shipped net.

The pack is the one in use with the file beside its models, as the default of its task. An embedder needs strangers to
be calibrated with: those known of a public file, or drawn from a folder of pictures. Then every check of a pack is
done: the files are verified, the demo clip is replayed, the answers are recorded, and `use` puts it in use and takes
the enrolled people along. `edge models use --back` returns.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.app.build import load_models
from edge.app.packs import strangers
from edge.app.packs.public_models import AdoptedTask, PublicModel, find_format, find_public
from edge.app.packs.pull import verify
from edge.app.packs.use import Used, outside, use
from edge.app.people.calibration import calibrate
from edge.app.selfcheck import known_answers
from edge.app.selfcheck.figures import judge
from edge.app.selfcheck.known_answers import Progress
from edge.config import Config
from edge.detect import FaceDetector, build_detector
from edge.errors import ConfigError, EdgeError, ImageError, ModelError, StoreError
from edge.ops.packs.shelf import Shelf
from edge.recognise import Embedder, open_embedder
from edge.sessions import InputSpec, ModelEntry, Pack, Session, load_file
from edge.sessions.manifest import MANIFEST
from edge.store import Store

ONE_IN = 10_000.0
"""Faces per false alert that the limits of the enrolled people are set for, as `edge watchlist calibrate` does."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to become of a file; None leaves a choice to what is known of it."""

    file: Path
    task: AdoptedTask | None = None
    color: str | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    faces: Path | None = None
    with_own: float | None = None
    """Share of the shipped embedder in the weighted sum, between 0 and 1; None: the file alone."""
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was made of it."""

    name: str
    model: str
    task: str
    known_as: str
    input: dict[str, Any]
    licence: str
    strangers: dict[str, int]
    used: Used
    limits: dict[str, float]
    """Least similarity by kind of picture, where people are enrolled."""


def adopt(config: Config, wish: Wish, progress: Progress | None = None) -> Adopted:
    """Make a pack of a file, check it, and put it in use; nothing is left behind where a check fails before that.

    Raises ModelError for a file that is no detector or embedder, fails its check or can be given no limits, ImageError
    for too few strangers, ConfigError for a wish that can't be met, StoreError where there is no room.
    """
    if config.signers is not None:
        raise ImageError(f"{wish.file}: a file carries no signature, and `signers` asks for one; pull a signed pack")
    if wish.with_own is not None and not 0.0 < wish.with_own < 1.0:
        raise ConfigError(f"--with-own {wish.with_own:g}: the shipped net's share must lie between 0 and 1")
    base, found = Pack.open(config.models_dir), _look_at(config, wish)
    if wish.with_own is not None and found["task"] != "embed":
        raise ConfigError("--with-own combines embedders; a detector is adopted alone")
    shelf = Shelf(config)
    with shelf.locked():
        try:
            with tempfile.TemporaryDirectory(prefix=".incoming-", dir=shelf.folder) as scratch:
                folder = Path(scratch) / "pack"
                entry = _write(config, base, wish, found, folder, progress)
                _seal(config, base, entry, folder, progress)
                verify(config, folder)
                name = wish.name or f"adopted-{Pack.open(folder).digest()[:12]}"
                shelf.place(folder, name)
        except OSError as error:
            raise StoreError(
                f"{shelf.folder}: can't take the pack ({error.strerror or error}); free some space"
            ) from None
    used = use(config, name, progress)
    made = Pack.open(shelf.find(name))
    counts = {str(one.kind): one.count for one in made.manifest.cohorts if one.model_sha256 == made.identity(entry)}
    limits = _calibrate(config, wish, shelf.find(name)) if used.is_used and entry.task == "embed" else {}
    spec = entry.input.model_dump(include={"color", "mean", "std"})
    return Adopted(name, entry.name, entry.task, found["known_as"], spec, entry.licence, counts, used, limits)


def _look_at(config: Config, wish: Wish) -> dict[str, Any]:
    """The session and what is known of a file."""
    plain = load_file(wish.file, "embed", config.runtime)
    public = find_public(plain.sha256)
    is_detector = any(name.startswith("bbox_") for name in plain.output_shapes)
    task: AdoptedTask = wish.task or (public.task if public else "detect" if is_detector else "embed")
    if public is not None and public.task == task:
        known_as, spec, licence = public.name, public.input, public.licence
    else:
        public, likely = None, find_format(wish.file.stem, task)
        known_as, spec, licence = f"unknown file, input taken as {likely.name}", likely.input, likely.licence
    told = {"color": wish.color, "mean": wish.mean, "std": wish.std}
    told = {key: value for key, value in told.items() if value is not None}
    spec = InputSpec.model_validate(spec.model_dump() | told | {"name": plain.input_name, "shape": plain.input_shape})
    session = load_file(wish.file, task, config.runtime, spec)
    _ = FaceDetector(session) if task == "detect" else Embedder(session)  # a file of another kind is refused here
    return {"session": session, "task": task, "public": public, "known_as": known_as, "spec": spec, "licence": licence}


def _write(
    config: Config, base: Pack, wish: Wish, found: Mapping[str, Any], folder: Path, progress: Progress | None
) -> ModelEntry:
    """The pack in `folder`, not sealed yet; returns the new entry."""
    folder.mkdir(mode=0o755)
    kept = [entry.model_dump(mode="json") for entry in base.manifest.models]
    for file in {one["file"] for one in kept} | {entry.file for entry in base.manifest.cohorts}:
        shutil.copyfile(base.models_dir / file, folder / file)
    own = _own(base) if wish.with_own is not None else None
    name = _free_name(wish.file.stem, {one["name"] for one in kept}, wish.with_own)
    entry = _entry(wish, found, name) | (
        {} if own is None else {"combine": {"model": own.name, "weight": wish.with_own}}
    )
    shutil.copyfile(wish.file, folder / entry["file"])
    for one in kept:
        one["default"] = one["default"] and one["task"] != found["task"]
    drawn = [one.model_dump(mode="json") for one in base.manifest.cohorts]
    manifest: dict[str, Any] = {"version": 1, "models": [*kept, entry], "cohorts": drawn}
    _put(folder / MANIFEST, manifest)
    pack = Pack.open(folder)
    made = pack.find(found["task"], name)
    if found["task"] == "embed":
        drawn += _write_strangers(config, pack, wish, found["public"], None if own is None else own.sha256, progress)
        _put(folder / MANIFEST, manifest)
    return made


def _own(base: Pack) -> ModelEntry:
    """The shipped embedder: the pack's first that was not adopted."""
    entries = [one for one in base.manifest.models if one.task == "embed" and "adopted_from" not in one.provenance]
    if not entries:
        raise ModelError(f"{base.models_dir}: holds no embedder of its own to combine with; adopt without --with-own")
    return next((one for one in entries if one.default), entries[0])


def _entry(wish: Wish, found: Mapping[str, Any], name: str) -> dict[str, Any]:
    session: Session = found["session"]
    data = wish.file.read_bytes()
    return {
        "name": name,
        "task": found["task"],
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "precision": "int8" if b"QuantizeLinear" in data else "fp32",
        "opset": session.describe()["opset"],
        "input": found["spec"].model_dump(mode="json"),
        "outputs": {key: list(shape) for key, shape in session.output_shapes.items()},
        "default": True,
        "licence": found["licence"],
        "limits": found["public"].limits if found["public"] else "",
        "provenance": {"adopted_from": wish.file.name, "known_as": found["known_as"]},
    }


def _write_strangers(
    config: Config,
    pack: Pack,
    wish: Wish,
    public: PublicModel | None,
    own_sha256: str | None,
    progress: Progress | None,
) -> list[dict[str, Any]]:
    """Write strangers for the adopted embedder; returns their manifest entries."""
    entry = next(one for one in pack.manifest.models if one.task == "embed" and one.default)
    if wish.faces is not None:
        detector = build_detector(config.detect, pack, config.runtime)
        embedder = open_embedder(pack, entry, lambda one: pack.load(one, config.runtime))
        drawn = strangers.from_pictures(wish.faces, detector, embedder, progress)
        source = "drawn from pictures of the owner"
    else:
        drawn = strangers.of_public(public, own_sha256, wish.with_own or 0.0) if public else {}
        source = "known of this public file"
    if not drawn:
        what = "this pair of embedders" if own_sha256 and public else "this file"
        raise ModelError(
            f"{wish.file}: no strangers are known for {what}, so it can't be calibrated; give --faces DIR with "
            "pictures of at least 50 people who are not enrolled"
        )
    return [
        _write_kind(pack, entry.name, kind, vectors, pack.identity(entry), source) for kind, vectors in drawn.items()
    ]


def _write_kind(
    pack: Pack, name: str, kind: str, vectors: NDArray[np.float64], sha256: str, source: str
) -> dict[str, Any]:
    content = vectors.astype("<f2").tobytes()
    file = f"{name}_{kind}.f16"
    (pack.models_dir / file).write_bytes(content)
    return {
        "name": f"{name[:56]}_{kind}", "kind": kind, "file": file, "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content), "model_sha256": sha256, "count": len(vectors), "dim": vectors.shape[1],
        "licence": "made on this box", "provenance": {"source": source},
    }  # fmt: skip


def _seal(config: Config, base: Pack, entry: ModelEntry, folder: Path, progress: Progress | None) -> None:
    """Replay the demo clip with the new pack; where the person in it is found, record what its models answer."""
    with tempfile.TemporaryDirectory() as data_dir:
        plain = Config(data_dir=Path(data_dir), models_dir=folder, runtime=config.runtime)
        bands = dict(known_answers.unsealed_bands(plain))
        recorded = base.recorded_answers()
        if entry.task == "embed":  # faces are the detector's, which stays as it is
            bands.pop("faces")
            bands |= {
                name: band
                for name, band in (recorded or {}).get("replay", {}).get("bands", {}).items()
                if name == "faces"
            }
        figures = known_answers.play(plain, load_models(plain), progress=progress)
        findings = judge(figures, bands)
        if bad := [finding for finding in findings if not finding.ok]:
            raise ModelError(f"the file does not pass the check of a pack: {outside(bad)}")
        known_answers.seal(plain, folder, figures)


def _calibrate(config: Config, wish: Wish, folder: Path) -> dict[str, float]:
    """Set the limits of the enrolled people for the new embedder; empty where nobody is enrolled.

    Where that fails the pack before comes back: by the configured limits a stranger might be anybody to this embedder.
    """
    if not (config.data_dir / "edge.db").is_file():
        return {}
    there = config.model_copy(update={"models_dir": folder})
    with Store.open(config.data_dir) as store:
        if not store.people():
            return {}
        try:
            made = calibrate(there, load_models(there), store, one_in=ONE_IN, min_margin=None, write=True)
        except EdgeError as error:
            why = error
        else:
            return {kind: float(row["min_similarity"]) for kind, row in made["kinds"].items()}
    back = use(config, None)
    now = "the pack that was in use is back" if back.is_used else f"and {back.name} can't come back: {back.problem}"
    raise ModelError(f"{wish.file}: no limits can be set for the enrolled people ({why}); {now}")


def _free_name(stem: str, taken: set[str], weight: float | None) -> str:
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in stem.lower()).lstrip("._-")
    name = (plain or "model")[:40] + ("" if weight is None else f"_with_own_{weight:g}")
    return name if name not in taken else f"adopted_{name}"


def _put(path: Path, manifest: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
