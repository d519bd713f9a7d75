"""`edge watchlist reembed`: embeds every kept reference picture with the embedder in use, then swaps all in at once.

Each batch is stored beside the old embeddings, so a stopped run continues where it was. Searches use the old ones
until the swap.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.build import Models, load_models
from edge.arrays import BgrImage, require_landmarks
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.errors import EdgeError, ImageError
from edge.pixels.faces.geometry import align
from edge.records import Reference
from edge.store import Store, update
from edge.store.people.references import read_references

BATCH = 64


def bring_database(config: Config, now: dt.datetime) -> None:
    """Bring the database to this release, its schema and its references; the one from before the update is kept.

    Raises what `migrate_copy` and `reembed` raise. Called while the service is stopped.
    """
    references = read_references(config.data_dir)
    models = load_models(config) if references else None
    is_due = models is not None and any(one.model_sha256 != models.stages.embedder.sha256 for one in references)
    update.migrate_copy(config.data_dir, now, always=is_due)
    if is_due and models is not None:
        with Store.open(config.data_dir) as store:
            reembed(store, models)


def reembed(store: Store, models: Models, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Embed the references of other models and put the result in use; unreadable pictures are listed as failed."""
    made = stage(store, models, progress)
    is_due = any(one.model_sha256 != models.stages.embedder.sha256 for one in store.references())
    swapped = store.calibration.swap_embeddings(models.stages.embedder.sha256).result() if is_due else 0
    return {**made, "swapped": swapped}


def stage(store: Store, models: Models, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Embed the references of other models into the staging table; unreadable pictures are listed as `failed`."""
    embedder = models.stages.embedder
    done = store.calibration.staged_ids(embedder.sha256)
    old = [reference for reference in store.references() if reference.model_sha256 != embedder.sha256]
    left = [reference for reference in old if reference.reference_id not in done]
    failed: dict[str, str] = {}
    embedded = 0
    for start in range(0, len(left), BATCH):
        crops: list[tuple[Reference, BgrImage]] = []
        for reference in left[start : start + BATCH]:
            try:
                crops.append((reference, crop_of(store, reference)))
            except EdgeError as error:
                failed[reference.reference_id] = str(error)
        if crops:
            vectors = embedder.embed([crop for _, crop in crops])
            made = [
                replace(reference, embedding=vector, model_sha256=embedder.sha256)
                for (reference, _), vector in zip(crops, vectors, strict=True)
            ]
            store.calibration.stage_embeddings(made).result()
            embedded += len(made)
        if progress is not None:
            progress(min(start + BATCH, len(left)), len(left))
    return {"embedded": embedded, "resumed": len(done), "failed": failed}


def crop_of(store: Store, reference: Reference) -> BgrImage:
    """The aligned face of a kept picture, by the landmarks measured when it was enrolled."""
    return crop_from(store.image_path(reference.image_sha256), reference)


def crop_from(path: Path | None, reference: Reference) -> BgrImage:
    """The same of the file at `path`."""
    points = reference.quality.get("landmarks")
    if path is None or points is None:
        raise ImageError(f"{reference.reference_id}: picture or landmarks were not kept; enrol the picture again")
    return align(read_image(path), require_landmarks(np.asarray(points, np.float32)))
