"""`edge explain` and `edge replay`: explains a stored hit, and repeats its recipes on the stored pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.app.build import Models
from edge.arrays import BgrImage, require_landmarks
from edge.capture.pictures.images import read_image
from edge.enhance import Networks, Replayed, recipe_from_json, redo
from edge.enhance.labels import enhanced_png
from edge.enhance.scoring import input_of
from edge.errors import ImageError, NotFoundError
from edge.explanation import lines
from edge.pixels.encode import to_png
from edge.pixels.faces.geometry import align
from edge.pixels.hashing import file_sha256
from edge.pixels.measures.metrics import psnr
from edge.pixels.resize import resize
from edge.recipes import Recipe
from edge.recognise import Embedder
from edge.records import Hit, Reference
from edge.store import Store

PATCH_PX = 24
STEP_PX = 8
SCALE = 3
MIN_REPLAY_PSNR_DB = 45.0
"""PSNR in dB from which on a replay by another provider counts as equal to the stored picture."""


@dataclass(frozen=True, slots=True)
class Explained:
    """Text, and the map where one was asked for."""

    hit_id: str
    lines: list[str]
    similarity: float | None
    picture: bytes | None


def find_hit(store: Store, hit_id: str) -> Hit:
    """The hit; NotFoundError."""
    hit = store.hit(hit_id)
    if hit is None:
        raise NotFoundError(f"no hit {hit_id!r} is kept; the page or the feed shows the ids there are")
    return hit


def explain(store: Store, models: Models | None, hit_id: str) -> Explained:
    """The text of a hit; with `models` also where the two faces are alike, as PNG."""
    hit = find_hit(store, hit_id)
    if models is None:
        return Explained(hit_id, lines(hit), None, None)
    found = _found_crop(store, hit)
    known = _enrolled_crop(store, hit)
    embedder = models.stages.embedder
    one, other = embedder.embed([found, known])
    maps = occlusion_map(found, other, embedder), occlusion_map(known, one, embedder)
    picture = np.hstack([_overlay_map(found, maps[0]), _overlay_map(known, maps[1])])
    return Explained(hit_id, lines(hit), float(one @ other), to_png(picture))


def occlusion_map(crop: BgrImage, other: NDArray[np.float32], embedder: Embedder) -> NDArray[np.float32]:
    """How much the similarity to `other` falls when a patch is hidden, (112, 112) float32; below 0 it rises.

    Parameters
    ----------
    crop : (112, 112, 3) uint8 BGR aligned crop, not changed
    other : (D,) float32 embedding of length 1

    Notes
    -----
    Occlusion sensitivity, Zeiler and Fergus (2014), section 4.2: a patch of the crop's mean color moves over the face;
    each pixel shows the mean over the patches that hid it.
    """
    side = crop.shape[0]
    starts = range(0, side - PATCH_PX + 1, STEP_PX)
    places = [(y, x) for y in starts for x in starts]
    hidden = np.repeat(crop[np.newaxis], len(places), axis=0)
    for index, (y, x) in enumerate(places):
        hidden[index, y : y + PATCH_PX, x : x + PATCH_PX] = crop.mean(axis=(0, 1))
    whole = float(embedder.embed([crop])[0] @ other)
    falls = whole - embedder.embed(hidden) @ other
    total, count = np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)
    for (y, x), fall in zip(places, falls, strict=True):
        total[y : y + PATCH_PX, x : x + PATCH_PX] += fall
        count[y : y + PATCH_PX, x : x + PATCH_PX] += 1
    return np.asarray(total / np.maximum(count, 1), np.float32)


def replay_hit(store: Store, hit_id: str, networks: Networks | None = None) -> dict[str, Any]:
    """Repeat the recorded recipes on the kept original; compare the hash of every step and of the files.

    This covers the steps for eyes and those for recognition. If another provider rounds differently, `close` says
    whether the picture is within 45 dB of the kept one.
    """
    hit = find_hit(store, hit_id)
    recipe = recipe_from_json(hit.recipe)
    original = _stored_picture(store, hit.images.crop, "found face")
    done = redo(original, recipe, networks)
    answer: dict[str, Any] = {
        "hit_id": hit_id,
        "original": {"sha256": hit.images.crop, "same": file_sha256(to_png(original)) == hit.images.crop},
        "steps": _step_by_step(recipe, done),
        "recognition": [],
        "enhanced": None,
        "problem": done.problem,
    }
    answer["same"] = answer["close"] = answer["original"]["same"]
    if hit.images.enhanced is not None:
        same = file_sha256(enhanced_png(done.image, recipe)) == hit.images.enhanced
        distance = None if same else psnr(done.image, _stored_picture(store, hit.images.enhanced, "enhanced face"))
        answer["enhanced"] = {"sha256": hit.images.enhanced, "same": same, "psnr_db": distance}
        answer["close"] = answer["same"] and (distance is None or distance >= MIN_REPLAY_PSNR_DB)
        answer["same"] = answer["same"] and same
    _replay_recognition(hit, original, networks, answer)
    return answer


def _replay_recognition(hit: Hit, original: BgrImage, networks: Networks | None, answer: dict[str, Any]) -> None:
    """Replay the steps done before recognition of the best shot; older hits have no hashes and are skipped."""
    told, given = hit.recipe.get("recognition", {}), hit.recipe.get("input", {})
    if not told.get("steps") or "box" not in given:
        return
    recipe = recipe_from_json(told)
    points = require_landmarks(np.asarray(given["landmarks"], np.float32))
    start = input_of(recipe.steps, original, points, np.asarray(given["box"], np.float32))
    done = redo(start, recipe, networks)
    answer["recognition"] = _step_by_step(recipe, done)
    answer["problem"] = answer["problem"] or done.problem
    answer["same"] = answer["same"] and all(done.same)


def _step_by_step(recipe: Recipe, done: Replayed) -> list[dict[str, Any]]:
    return [
        {"name": step.name, "version": step.version, "output_sha256": step.output_sha256, "same": same}
        for step, same in zip(recipe.steps, done.same, strict=True)
    ]


def _overlay_map(crop: BgrImage, falls: NDArray[np.float32]) -> BgrImage:
    """The crop, and the crop under its map: red marks what makes the two faces alike, blue what makes them differ."""
    strength = np.clip(falls / max(float(np.abs(falls).max()), 1e-6), -1, 1)[..., np.newaxis]
    red, blue = np.array([40, 40, 230], np.float32), np.array([230, 90, 40], np.float32)
    tint = np.where(strength > 0, red, blue)
    share = 0.65 * np.abs(strength)
    colored = np.asarray(np.clip(crop * (1 - share) + tint * share + 0.5, 0, 255), np.uint8)
    side = crop.shape[0] * SCALE
    return np.asarray(np.vstack([resize(crop, side, side), resize(colored, side, side)]), np.uint8)


def _found_crop(store: Store, hit: Hit) -> BgrImage:
    points = hit.recipe.get("input", {}).get("landmarks")
    if points is None:
        raise ImageError(f"{hit.hit_id}: the hit does not say where eyes, nose and mouth are; no map can be drawn")
    return _aligned(_stored_picture(store, hit.images.crop, "found face"), points)


def _enrolled_crop(store: Store, hit: Hit) -> BgrImage:
    """The enrolled face of the hit, found by picture hash: that stays when references are embedded again."""
    of_picture: list[Reference] = [one for one in store.references() if one.image_sha256 == hit.images.reference]
    points = of_picture[0].quality.get("landmarks") if of_picture else None
    if points is None:
        raise ImageError(f"{hit.hit_id}: the enrolled picture is no longer kept; no map can be drawn")
    return _aligned(_stored_picture(store, hit.images.reference, "enrolled face"), points)


def _aligned(image: BgrImage, points: Any) -> BgrImage:
    return align(image, require_landmarks(np.asarray(points, np.float32)))


def _stored_picture(store: Store, sha256: str, what: str) -> BgrImage:
    path: Path | None = store.image_path(sha256)
    if path is None or not path.is_file():
        raise ImageError(f"the picture of the {what} ({sha256[:12]}) is no longer kept")
    return read_image(path)
