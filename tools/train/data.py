"""Crops and teacher embeddings of the training people, cached under `build/train/cache`.

`python -m tools.train.data` fills the cache (a few minutes). A canvas is an aligned crop with a margin, so that
training can move, turn and scale it; a mixture is a face nobody has: two canvases blended, joined or the one pushed
away from the other, or a single one, and the whole bent like a print on rubber.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.pixels import geometry
from tools.train import paths
from tools.train.teachers import Embedder, FaceFinder, unit

MARGIN_PX = 16
CANVAS_PX = geometry.ALIGNED_PX + 2 * MARGIN_PX
CANVAS_FACE_PX = 85.0
"""Width of a face in a canvas as a detector would box it (eye distance 35 px)."""


class Mixtures(NamedTuple):
    """How to build each mixture; row k of every array belongs to mixture k."""

    pair: NDArray[np.int32]  # (M, 2) canvases
    mirror: NDArray[np.bool_]  # (M, 2)
    kind: NDArray[np.int8]  # (M,) 0 blend, 1 upper and lower face, 2 left and right, 3 the first alone, 4 a part
    share: NDArray[np.float32]  # (M,) of the first face; over 1: pushed away from the second
    warp: NDArray[np.float32]  # (M, 3) log width, log height, shear of the second face
    bend: NDArray[np.float16]  # (M, 2, 5, 5) shift of a grid of points, px; the picture follows smoothly


def canvas_of(image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(CANVAS_PX, CANVAS_PX, 3) u8 BGR: the aligned crop with its margin; the border is replicated, not black."""
    matrix = geometry.similarity_from_landmarks(landmarks)
    matrix[:, 2] += MARGIN_PX
    size = (CANVAS_PX, CANVAS_PX)
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def inner(canvas: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The aligned crop inside a canvas (or inside each of a stack of canvases)."""
    return canvas[..., MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX, :]


def central_face(faces: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32] | None:
    """The row whose centre is nearest to the middle: in LFW that is the named person."""
    if len(faces) == 0:
        return None
    centre = faces[:, :2] + faces[:, 2:4] / 2 - np.array([width / 2, height / 2], dtype=np.float32)
    return np.asarray(faces[int(np.argmin((centre**2).sum(1)))])


def _canvases(limit: int | None) -> NDArray[np.uint8]:
    find, found = FaceFinder(), []
    for path in paths.lfw_pictures(paths.LFW / "people_train.txt")[:limit]:
        image = cv2.imread(str(path))
        if image is None:
            continue
        face = central_face(find(image), image.shape[1], image.shape[0])
        if face is not None:
            found.append(canvas_of(image, face[4:14].reshape(5, 2)))
    if limit is None:
        for path in sorted((paths.DATA / "faces" / "sfhq").glob("*.jpg")):
            image = cv2.imread(str(path))
            found.extend(canvas_of(image, face[4:14].reshape(5, 2)) for face in find(image) if face[2] > 60)
        found.extend(_tight_canvases(find))
    return np.stack(found)


def _tight_canvases(find: FaceFinder) -> list[NDArray[np.uint8]]:
    """UTKFace's training people. Their foreheads are cut, so the border is repeated before a face is looked for."""
    found, border = [], 48
    for path in sorted(paths.UTK.glob("*.jpg")):
        image = cv2.imread(str(path))
        if image is None:
            continue
        image = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
        face = central_face(find(image), image.shape[1], image.shape[0])
        if face is not None and face[2] > 60:
            found.append(canvas_of(image, face[4:14].reshape(5, 2)))
    return found


def plan_mixtures(number: int, canvases: int, seed: int) -> Mixtures:
    """Random recipes; equal seeds give equal plans."""
    rng = np.random.default_rng([seed, 77])
    kind = rng.choice(5, number, p=(0.42, 0.12, 0.06, 0.22, 0.18)).astype(np.int8)
    share = np.where(rng.random(number) < 0.3, rng.uniform(1.15, 1.5, number), rng.uniform(0.25, 0.75, number))
    strength = np.where(kind == 3, rng.uniform(2.0, 4.0, number), rng.uniform(-1.0, 3.0, number).clip(0))
    return Mixtures(
        pair=rng.integers(0, canvases, (number, 2), dtype=np.int32),
        mirror=rng.random((number, 2)) < 0.5,
        kind=kind,
        share=np.where(kind == 0, share, rng.uniform(0.25, 0.75, number)).astype(np.float32),
        warp=rng.normal(0.0, 0.045, (number, 3)).clip(-0.1, 0.1).astype(np.float32),
        bend=(rng.standard_normal((number, 2, 5, 5), dtype=np.float32) * strength[:, None, None, None])
        .clip(-8, 8)
        .astype(np.float16),
    )


def bent(canvas: NDArray[np.uint8], shift: NDArray[np.float16]) -> NDArray[np.uint8]:
    """The canvas with a (2, 5, 5) grid of shifts, px, applied smoothly: other proportions, the same skin."""
    field = cv2.resize(
        shift.astype(np.float32).transpose(1, 2, 0), (CANVAS_PX, CANVAS_PX), interpolation=cv2.INTER_CUBIC
    )
    at = np.arange(CANVAS_PX, dtype=np.float32)
    x, y = at[None, :] + field[..., 0], at[:, None] + field[..., 1]
    return np.asarray(cv2.remap(canvas, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


def mixture(canvases: NDArray[np.uint8], plan: Mixtures, k: int) -> NDArray[np.uint8]:
    """Mixture `k` of the plan as a canvas."""
    first, second = (
        np.ascontiguousarray(canvases[i][:, ::-1] if flip else canvases[i])
        for i, flip in zip(plan.pair[k], plan.mirror[k], strict=True)
    )
    return bent(first if plan.kind[k] == 3 else _joined(first, second, plan, k), plan.bend[k])


def _joined(first: NDArray[np.uint8], second: NDArray[np.uint8], plan: Mixtures, k: int) -> NDArray[np.uint8]:
    width, height, shear = plan.warp[k]
    middle = CANVAS_PX / 2
    linear = np.array([[np.exp(width), shear], [0.0, np.exp(height)]], dtype=np.float32)
    matrix = np.column_stack([linear, middle - linear @ np.array([middle, middle], dtype=np.float32)])
    second = cv2.warpAffine(second, matrix, (CANVAS_PX, CANVAS_PX), borderMode=cv2.BORDER_REPLICATE)
    share = float(plan.share[k])
    if plan.kind[k] == 0:
        return np.asarray(cv2.addWeighted(first, share, second, 1 - share, 0.0))
    if plan.kind[k] == 4:
        mask = _part(plan.pair[k], share)
        return np.asarray(second * mask + first * (1 - mask) + 0.5).astype(np.uint8)
    across = np.arange(CANVAS_PX, dtype=np.float32) - MARGIN_PX - (40 + 32 * share)
    ramp = 1 / (1 + np.exp(across / 5.0))
    mask = ramp[:, None, None] if plan.kind[k] == 1 else ramp[None, :, None]
    return np.asarray(first * mask + second * (1 - mask) + 0.5).astype(np.uint8)


_PARTS = ((55.0, 52.0, 30.0, 13.0), (55.0, 70.0, 14.0, 16.0), (55.0, 93.0, 24.0, 13.0), (38.0, 52.0, 15.0, 12.0))
"""Eyes, nose, mouth, one eye: x, y, half width, half height, px of the aligned crop."""


def _part(pair: NDArray[np.int32], share: float) -> NDArray[np.float32]:
    """(CANVAS_PX, CANVAS_PX, 1) f32: 1 where the second face gives its eyes, nose or mouth, with a soft border."""
    x, y, a, b = _PARTS[int(pair.sum()) % len(_PARTS)]
    at = np.arange(CANVAS_PX, dtype=np.float32) - MARGIN_PX
    far = np.sqrt(((at[None, :] - x) / (a * (0.7 + share))) ** 2 + ((at[:, None] - y) / (b * (0.7 + share))) ** 2)
    return np.asarray(1 / (1 + np.exp((far - 1) * 8)), dtype=np.float32)[..., None]


class FaceCache(NamedTuple):
    """What the recogniser trains on. Canvases are memory-mapped."""

    canvases: NDArray[np.uint8]  # (N, CANVAS_PX, CANVAS_PX, 3) BGR
    targets: NDArray[np.float32]  # (N, 128) both teachers on the clean crop, unit length
    plan: Mixtures


def build(folder: Path, *, mixtures: int, limit: int | None = None, threads: int = 1, seed: int = 0) -> None:
    """Fill a cache folder; `limit` takes only the first pictures (for smoke tests)."""
    folder.mkdir(parents=True, exist_ok=True)
    canvases = _canvases(limit)
    np.save(folder / "canvases.npy", canvases)
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
    return FaceCache(canvases, np.load(folder / "targets.npy"), mixtures)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="build the cache of crops and teacher embeddings")
    parser.add_argument("--out", type=Path, default=paths.CACHE)
    parser.add_argument("--mixtures", type=int, default=240_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    build(args.out, mixtures=args.mixtures, threads=args.threads, seed=args.seed)


if __name__ == "__main__":
    main()
