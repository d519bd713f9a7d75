"""What a pack's models answer to the demo pictures: recorded when the pack is sealed, compared ever after.

Three things are recorded: faces in some frames of the demo clip, embeddings of crops cut at the recorded landmarks (so
that the embedder is judged alone), and how the whole pipeline comes through the clip, each figure with its band.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.app.build import Models, load_active_list, load_models
from edge.app.offline.clips import EPOCH
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.app.selfcheck.figures import Finding, bands_of, judge
from edge.arrays import BgrImage
from edge.config import Config
from edge.detect import Detector
from edge.pipeline import DeviceFacts, Pipeline
from edge.pixels.encode import to_png
from edge.pixels.faces.boxes import iou
from edge.pixels.faces.geometry import align
from edge.recognise import Embedder
from edge.records import Frame, Person
from edge.sessions.manifest import MANIFEST
from edge.store import Store
from edge.watchlist.entry import Upload

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many of it are, and of how many."""
FILE = "golden.json"
VERSION = 1
SEED = 1
"""Seed of the drawn input whose answers every session has to reproduce."""
FRAMES = (40, 55, 70, 85, 100, 120, 140, 160, 180, 200, 215, 230, 245, 260)
"""Frames of the demo clip, from far to near and back."""
SURE_SCORE, STILL_SCORE, INTRUDER_SCORE = 0.75, 0.5, 0.8
"""A recorded face was found with the first score, still counts with the second; what is new needs the third."""
MIN_IOU = 0.6
REPLAY_SECONDS = 6.0


def pictures() -> dict[str, BgrImage]:
    """The demo pictures by name: the clean portrait, and frames as a CCTV camera would see them."""
    shots = demo_clip.frames(only=FRAMES)
    return {"portrait": demo_clip.portrait()} | {f"frame {n}": shot for n, shot in zip(FRAMES, shots, strict=True)}


def record(config: Config, figures: Mapping[str, float] | None = None) -> dict[str, Any]:
    """Record the answers of the models that `config` loads, JSON-ready; `figures` are those of `play`, if known."""
    models = load_models(config)
    answers = record_answers(models.stages.detector, models.stages.embedder, pictures())
    figures = play(config, models) if figures is None else figures
    return {
        "version": VERSION,
        "models": {task: str(about["sha256"]) for task, about in models.descriptions.items()},
        "known": {entry.sha256: models.pack.answer(entry, SEED).as_json() for entry in models.pack.manifest.models},
        **answers,
        "replay": {"figures": dict(figures), "bands": bands_of(figures)},
    }


def seal(config: Config, models: Path, figures: Mapping[str, float] | None = None) -> str:
    """Write the answers beside the manifest in `models` and their hash into it; returns the hash."""
    data = (json.dumps(record(config, figures), separators=(",", ":")) + "\n").encode()
    digest = hashlib.sha256(data).hexdigest()
    path = models / MANIFEST
    manifest = json.loads(path.read_text("utf-8"))
    manifest["golden"] = {"file": FILE, "sha256": digest, "bytes": len(data)}
    (models / FILE).write_bytes(data)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    partial.replace(path)
    return digest


def record_answers(detector: Detector, embedder: Embedder, shown: Mapping[str, BgrImage]) -> dict[str, Any]:
    """Sure faces per picture, and the embedding of the first of each at its landmarks."""
    faces, vectors = {}, {}
    for name, image in shown.items():
        found = detector.detect(image)
        sure = np.flatnonzero(found.scores >= SURE_SCORE)
        faces[name] = np.round(found.boxes[sure], 2).tolist()
        if len(sure):
            points = np.round(found.landmarks[sure[0]], 2)
            vector = embedder.embed(align(image, points)[np.newaxis])[0]
            vectors[name] = {"landmarks": points.tolist(), "vector": [round(float(v), 5) for v in vector]}
    return {"detect": faces, "embed": vectors}


def judge_detector(detector: Detector, recorded: Mapping[str, Any], shown: Mapping[str, BgrImage]) -> float:
    """Share of the recorded faces that are found again in place; faces that were not recorded count against it."""
    kept = total = 0
    for name, boxes_then in recorded["detect"].items():
        boxes = np.asarray(boxes_then, np.float32).reshape(-1, 4)
        found = detector.detect(shown[name], STILL_SCORE)
        total += len(boxes)
        if not len(found):
            continue
        overlap = iou(boxes, found.boxes) if len(boxes) else np.zeros((0, len(found)), np.float32)
        kept += int((overlap.max(axis=1) >= MIN_IOU).sum()) if len(boxes) else 0
        alone = overlap.max(axis=0) < MIN_IOU if len(boxes) else np.ones(len(found), bool)
        total += int((alone & (found.scores >= INTRUDER_SCORE)).sum())
    return kept / total if total else 0.0


def judge_embedder(embedder: Embedder, recorded: Mapping[str, Any], shown: Mapping[str, BgrImage]) -> float:
    """Lowest cosine between an embedding now and the recorded one; -1 where they can't be compared."""
    lowest = 1.0 if recorded["embed"] else -1.0
    for name, kept in recorded["embed"].items():
        crop = align(shown[name], np.asarray(kept["landmarks"], np.float32))
        now: NDArray[np.float32] = embedder.embed(crop[np.newaxis])[0]
        then = np.asarray(kept["vector"], np.float32)
        if now.shape != then.shape:
            return -1.0
        lowest = min(lowest, float(now @ then / np.linalg.norm(then)))
    return lowest


def play(
    config: Config, models: Models, *, seconds: float = REPLAY_SECONDS, progress: Progress | None = None
) -> dict[str, float]:
    """Run the demo clip through the pipeline, its person enrolled: faces, hits, and the best hit's similarity.

    Default thresholds are used, not the device's own, because the models are judged and not its list.
    """
    plain = Config(data_dir=config.data_dir, models_dir=config.models_dir, runtime=config.runtime)
    best, faces, hits = 0.0, 0, set()
    with tempfile.TemporaryDirectory(prefix="edge-replay-") as folder, Store.open(Path(folder)) as store:
        enrol(store, models, Person("replay", "Replay", "test"), [Upload("portrait.png", to_png(demo_clip.portrait()))])
        facts = DeviceFacts("replay", "test", models.hashes, models.impostor_tail, lambda _: {})
        pipeline = Pipeline(plain, models.stages, load_active_list(store, models), facts)
        for number, image in enumerate(demo_clip.frames(seconds=seconds)):
            result = pipeline.process(Frame(number, "replay", EPOCH, round(number / demo_clip.FPS * 1e9), image))
            faces += len(result.faces)
            for draft in result.drafts:
                hits.add(draft.hit.hit_id)
                best = max(best, draft.hit.similarity)
            if progress is not None:
                progress("demo clip", number + 1, round(seconds * demo_clip.FPS))
    return {"faces": faces, "hits": len(hits), "similarity": round(float(best), 4)}


def replay(
    config: Config, models: Models, recorded: Mapping[str, Any] | None, progress: Progress | None = None
) -> list[Finding]:
    """Play the clip and hold each figure against its band; a pack that was not sealed must at least find the person."""
    figures = play(config, models, progress=progress)
    bands = recorded["replay"]["bands"] if recorded is not None else unsealed_bands(config)
    return judge(figures, bands)


def unsealed_bands(config: Config) -> dict[str, tuple[float, float]]:
    """Bands for a pack without recorded answers."""
    frames = REPLAY_SECONDS * demo_clip.FPS
    return {"hits": (1, 1), "faces": (frames / 3, frames * 2), "similarity": (config.recognise.min_similarity, 1.0)}
