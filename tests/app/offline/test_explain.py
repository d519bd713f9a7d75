"""The map of both faces, the hidden parts, and the recipe of a hit done again."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge import explanation
from edge.app.build import Models, load_active_list
from edge.app.offline import explain
from edge.app.offline.clips import EPOCH
from edge.app.people.embeddings import reembed
from edge.app.people.people import enrol
from edge.capture.pictures.images import decode_image
from edge.capture.sources import open_path
from edge.config import load
from edge.enhance import Benefit, Enhancer
from edge.enhance.benefit import Shown
from edge.errors import NotFoundError
from edge.pipeline import DeviceFacts, Pipeline
from edge.pixels import degrade
from edge.pixels.resize import resize
from edge.records import Frame, Person
from edge.store import Store


def test_map_replay_and_new_embeddings_on_the_demo(
    tmp_path: Path, models: Models, portrait: Path, demo_clip: Path
) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, models, Person("p1", "P", "demo"), [portrait])
        active_list = load_active_list(store, models)
        pipeline = Pipeline(
            load(), models.stages, active_list, DeviceFacts("b", "test", models.hashes, None, lambda _: {})
        )
        draft = next(draft for frame in frames_of(demo_clip) for draft in pipeline.process(frame).drafts)
        store.add_hit(draft.hit, draft.images).result()
        told = explain.explain(store, models, draft.hit.hit_id)
        assert told.similarity is not None
        assert told.similarity > 0.3
        assert told.picture is not None
        assert decode_image(told.picture, "map").shape == (2 * 336, 2 * 336, 3)
        gates = {gate.name: gate for gate in explanation.explain(draft.hit).gates}
        assert gates["similarity"].value == pytest.approx(draft.hit.similarity, abs=1e-3)
        assert explain.replay_hit(store, draft.hit.hit_id, models.stages.enhancer.networks)["same"]
        with pytest.raises(NotFoundError):
            explain.explain(store, None, "nothing")
        _another_model_made_them(store)
        assert load_active_list(store, models).gallery.num_references == 0, "mixed hashes never compare"
        done = reembed(store, models)
        assert (done["swapped"], done["failed"]) == (1, {})
        assert reembed(store, models)["swapped"] == 0
        (again,) = store.references(models.stages.embedder.sha256)
        assert again.embedding.shape == (models.stages.embedder.dim,)
        assert len(load_active_list(store, models).gallery) == 1


def test_what_was_done_for_recognition_is_done_again(
    tmp_path: Path, models: Models, portrait: Path, demo_clip: Path
) -> None:
    with Store.open(tmp_path) as store:
        enrol(store, models, Person("p1", "P", "demo"), [portrait])
        facts = DeviceFacts("b", "test", models.hashes, None, lambda _: {})
        deblurs = Shown(step="deblur", fault="motion", min_level=1, max_level=5, gain=0.02, least=0.01)
        networks = models.stages.enhancer.networks
        enhancer = Enhancer("auto", networks=networks, benefit=Benefit((deblurs,), 0.1, None))
        stages = dataclasses.replace(models.stages, enhancer=enhancer)
        pipeline = Pipeline(load(), stages, load_active_list(store, models), facts)
        frames = frames_of(demo_clip, moved_at=4.5)
        drafts = (draft for frame in frames for draft in pipeline.process(frame).drafts)
        draft = next(draft for draft in drafts if draft.hit.recipe["recognition"]["steps"])
        store.add_hit(draft.hit, draft.images).result()
        done = explain.replay_hit(store, draft.hit.hit_id, models.stages.enhancer.networks)
        assert [(step["name"], step["same"]) for step in done["recognition"]] == [("deblur", True)]
        assert done["same"]
        (step,) = draft.hit.recipe["recognition"]["steps"]
        step["output_sha256"] = "0" * 64
        altered = dataclasses.replace(draft.hit, hit_id=str(uuid.uuid4()))
        store.add_hit(altered, draft.images).result()
        done = explain.replay_hit(store, altered.hit_id, models.stages.enhancer.networks)
        assert (done["recognition"][0]["same"], done["same"]) == (False, False)
        assert "the recipe was altered" in done["problem"]


def frames_of(clip: Path, moved_at: float = 0.0) -> Iterator[Frame]:
    with open_path(clip) as source:
        for number, shot in enumerate(source.frames()):
            image = shot.image if not moved_at else resize(shot.image, 2 * shot.image.shape[0], 2 * shot.image.shape[1])
            image = degrade.apply(image, "motion", moved_at, rng_or_seed=1, face_px=180 if moved_at else 90)
            yield Frame(number, "door", EPOCH + dt.timedelta(seconds=number / 25), number * 40_000_000, image)


def _another_model_made_them(store: Store) -> None:
    old = [dataclasses.replace(r, model_sha256="0" * 64, embedding=np.roll(r.embedding, 3)) for r in store.references()]
    store.put_person(store.people()[0], old, {}).result()


def test_what_is_hidden_matters_where_the_likeness_is(models: Models, portrait: Path) -> None:
    """The map of a crop against itself: hiding the face costs more than hiding its edge."""
    from edge.pixels.faces.geometry import align
    from edge.watchlist.picture_checks import largest_face

    image = decode_image(portrait.read_bytes(), "portrait")
    found = models.stages.detector.detect(image)
    face = largest_face(found)
    assert face is not None
    crop = align(image, found.landmarks[face])
    embedder = models.stages.embedder
    falls = explain.occlusion_map(crop, embedder.embed([crop])[0], embedder)
    assert falls.min() >= -1e-5, "against itself nothing hidden can help"
    assert falls[40:80, 30:82].mean() > 1.5 * np.concatenate([falls[:16].ravel(), falls[-16:].ravel()]).mean()
