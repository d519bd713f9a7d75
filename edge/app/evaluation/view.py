"""`edge eval restore --write-view`: chooses the steps for eyes on training people, and writes view.json."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge import durable
from edge.app.build import load_models
from edge.app.evaluation.restore import Progress, open_enhancer, read_faces
from edge.config import Config
from edge.enhance import GENERATIVE, STEPS, VIEW_FILE
from edge.enhance.benefit import hashes_of
from edge.enhance.view import ViewFile
from edge.errors import StoreError
from edge.evaluate import view
from edge.evaluate.view import Seen

CONDITIONS = (
    "clean",
    *(
        f"{name}:{level}"
        for name in ("dark", "cctv", "motion", "blur", "lowres", "noise", "jpeg", "haze", "small")
        for level in ((1, 2, 3, 4, 5) if name in ("dark", "cctv") else (1, 3, 5))
    ),
)


def write_view(
    config: Config,
    images: Path,
    people: Sequence[str],
    *,
    count: int,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Choose what is done for eyes, on up to `count` pictures of these people, and write it beside the model pack.

    `keep` is a folder for what was measured so far, one file per degradation: a run that was stopped goes on there.
    """
    models = load_models(config)
    faces = read_faces(images, people, count, models, progress)
    stages, hashes = models.stages, hashes_of(models.pack)
    used = {name: STEPS[name].version for name in STEPS if name not in GENERATIVE}
    pictures = [(face.picture.person, face.picture.number) for face in faces]
    seen_by = [hashes["detect"], hashes["embed"]]
    key = hashlib.sha256(json.dumps([seen_by, used, pictures, view.GAMMAS, view.BANDS]).encode()).hexdigest()
    rows: list[Seen] = []
    for name in CONDITIONS:
        file = None if keep is None else keep / f"{name.replace(':', '-')}.json"
        found = None if file is None else _kept(file, key, hashes)
        if found is None:
            found = view.measure(
                faces,
                name,
                enhancer=open_enhancer(models),
                detector=stages.detector,
                embedder=stages.embedder,
                progress=progress,
            )
        if file is not None:
            models_of = {name: hashes[name] for name in sorted(view.steps_of(found)) if name in hashes}
            _write(file, {"key": key, "models": models_of, "rows": [row.model_dump() for row in found]})
        rows += found
    choices = view.choose(rows)
    held = ViewFile(
        version=1,
        models={task: sha256 for task, sha256 in hashes.items() if task in used},
        measured_with={task: hashes[task] for task in ("detect", "embed")},
        steps=used,
        choices=choices,
        how={"pictures": len(faces), "degradations": list(CONDITIONS), "min_faces": view.MIN_FACES},
    )
    path = models.pack.models_dir / VIEW_FILE
    _write(path, held.model_dump(mode="json"))
    return {"written": str(path), **held.model_dump(mode="json")}


def _kept(file: Path, key: str, hashes: Mapping[str, str]) -> list[Seen] | None:
    """What an earlier run measured with the same models, steps and pictures; None where there is none."""
    try:
        told = json.loads(file.read_text("utf-8"))
        is_same = told["key"] == key and all(hashes.get(name) == sha256 for name, sha256 in told["models"].items())
        return [Seen.model_validate(row) for row in told["rows"]] if is_same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, (json.dumps(content, indent=1) + "\n").encode(), 0o644)
    except OSError as error:
        raise StoreError(f"{path}: can't be written ({error.strerror}); give a folder that can be") from None
