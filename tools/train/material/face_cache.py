"""Canvases of the training people with the teachers' embeddings, cached in a folder of .npy files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tools.data import DATA
from tools.train import paths
from tools.train.material.canvases import canvas_of, central_face, inner
from tools.train.material.mixtures import Mixtures, plan_mixtures
from tools.train.material.teachers import Embedder, FaceFinder, unit


class FaceCache(NamedTuple):
    """What the recogniser trains on. Canvases are memory-mapped."""

    canvases: NDArray[np.uint8]  # (N, CANVAS_PX, CANVAS_PX, 3) BGR
    targets: NDArray[np.float32]  # (N, 128) both teachers on the clean crop, unit length
    people: NDArray[np.intp]  # (N,) equal numbers for pictures of one person; -1 where no name is known
    plan: Mixtures


def build(folder: Path, *, mixtures: int, limit: int | None = None, threads: int = 1, seed: int = 0) -> None:
    """Fill a cache folder; `limit` takes only the first pictures (for smoke tests)."""
    folder.mkdir(parents=True, exist_ok=True)
    canvases, people = _canvases(limit)
    np.save(folder / "canvases.npy", canvases)
    np.save(folder / "people.npy", people)
    teachers = [Embedder(threads), Embedder(threads, model=paths.DEGRADED_TEACHER)]
    step, targets = 64, []
    for start in range(0, len(canvases), step):
        crops = inner(canvases[start : start + step])
        targets.append(unit(sum((teacher(crops) for teacher in teachers), np.zeros((len(crops), 128), np.float32))))
        if start % (step * 40) == 0:
            print(f"targets {start}/{len(canvases)}", flush=True)
    np.save(folder / "targets.npy", np.concatenate(targets))
    np.savez(folder / "mixtures.npz", **plan_mixtures(mixtures, len(canvases), seed)._asdict())


def load(folder: Path) -> FaceCache:
    """Open a cache made by `build`."""
    with np.load(folder / "mixtures.npz") as plan:
        mixtures = Mixtures(**{name: plan[name] for name in Mixtures._fields})
    canvases = np.load(folder / "canvases.npy", mmap_mode="r")
    return FaceCache(canvases, np.load(folder / "targets.npy"), np.load(folder / "people.npy"), mixtures)


def _canvases(limit: int | None) -> tuple[NDArray[np.uint8], NDArray[np.intp]]:
    """The canvases, and whose they are, as `FaceCache.people`."""
    find, found, names = FaceFinder(), [], []
    for path in paths.lfw_pictures(paths.LFW / "people_train.txt")[:limit]:
        image = paths.read_picture(path)
        if image is None:
            continue
        face = central_face(find(image), image.shape[1], image.shape[0])
        if face is not None:
            found.append(canvas_of(image, face[4:14].reshape(5, 2)))
            names.append(path.parent.name)
    if limit is None:
        for path in sorted((DATA / "faces" / "sfhq").glob("*.jpg")):
            image = paths.read_picture(path)
            if image is None:
                continue
            found.extend(canvas_of(image, face[4:14].reshape(5, 2)) for face in find(image) if face[2] > 60)
        found.extend(_tight_canvases(find))
    people = np.full(len(found), -1, np.intp)
    people[: len(names)] = np.unique(names, return_inverse=True)[1]
    return np.stack(found), people


def _tight_canvases(find: FaceFinder) -> list[NDArray[np.uint8]]:
    """UTKFace's training people. Their foreheads are cut, so the border is repeated before a face is looked for."""
    found, border = [], 48
    for path in sorted(paths.UTK.glob("*.jpg")):
        image = paths.read_picture(path)
        if image is None:
            continue
        image = np.asarray(cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE), np.uint8)
        face = central_face(find(image), image.shape[1], image.shape[0])
        if face is not None and face[2] > 60:
            found.append(canvas_of(image, face[4:14].reshape(5, 2)))
    return found
