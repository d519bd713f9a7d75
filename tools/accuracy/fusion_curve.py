"""What fusing the shots of a track brings: FNIR at equal FPIR for 1 to 10 shots, on the signers' clips.

`python -m tools.accuracy.fusion_curve [--degrade cctv:4] [--models DIR]` prints JSON. Genuine: windows of a clip
against the same person enrolled from the *other* clip, clean. Strangers: the same windows against everybody else. The
list is filled up with people of the LFW development set. One shot is the best by quality.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edge.app.build import Models, load_models
from edge.app.offline.degrader import Degradation, Degrader
from edge.capture.pictures.images import read_image
from edge.capture.sources import open_path
from edge.config import Config
from edge.evaluate.pairs import main_face
from edge.pipeline.face import MIN_GAP_FRAMES
from edge.pipeline.reliability import weight
from edge.pixels.faces.geometry import align
from edge.pixels.measures.quality import measure
from edge.recognise import fuse
from tools.data import DATA, SIGNERS

WINDOW, STEP = 30, 3
NUM_ENROLLED = 8
SHOTS = (1, 2, 3, 4, 6, 8, 10)
FPIRS = (1e-2, 3e-2, 1e-1)
Vectors = NDArray[np.float32]


class Shots(NamedTuple):
    """The faces of one clip in order."""

    frames: list[int]
    qualities: list[float]
    embeddings: Vectors


def shots_of_clip(path: Path, models: Models, fault: str | None) -> Shots:
    """The surest face of every frame."""
    detector, embedder = models.stages.detector, models.stages.embedder
    degrader = Degrader(Degradation.parse(fault), detector) if fault else None
    frames, qualities, crops = [], [], []
    with open_path(path) as source:
        for number, shot in enumerate(source.frames()):
            image = degrader.apply(shot.image, number) if degrader else shot.image
            found = detector.detect(image)
            if len(found):
                face = 0  # the surest: there is one person in these clips, and a track would hold on to it
                crops.append(align(image, found.landmarks[face]))
                qualities.append(measure(crops[-1], found.landmarks[face], found.boxes[face]).score)
                frames.append(number)
    return Shots(frames, qualities, embedder.embed(crops))


def best_shots(shots: Shots, start: int, count: int) -> list[int]:
    """Indexes of the best of a window, no two nearer than the pipeline keeps them."""
    inside = [i for i, frame in enumerate(shots.frames) if start <= frame < start + WINDOW]
    chosen: list[int] = []
    for i in sorted(inside, key=lambda i: -shots.qualities[i]):
        if len(chosen) < count and all(abs(shots.frames[i] - shots.frames[j]) >= MIN_GAP_FRAMES for j in chosen):
            chosen.append(i)
    return chosen


def spread(shots: Shots) -> list[int]:
    """Indexes of shots over the whole clip, as many as enrolment keeps of a video."""
    return [int(i) for i in np.linspace(0, len(shots.frames) - 1, NUM_ENROLLED)]


def windows(shots: Shots) -> list[int]:
    """First frames of the windows that hold a face."""
    last = max(shots.frames, default=0)
    return [start for start in range(0, max(last - WINDOW // 2, 1), STEP) if best_shots(shots, start, 1)]


def strangers_on_the_list(models: Models, count: int = 50) -> Vectors:
    """One picture each of people of the development set."""
    names = [line.split()[0] for line in (DATA / "faces/lfw/people_dev.txt").read_text().splitlines()]
    crops = []
    for name in names[:count]:
        image = read_image(sorted((DATA / "faces/lfw/images" / name).glob("*.jpg"))[0])
        found = models.stages.detector.detect(image)
        face = main_face(found, image)
        if face is not None:
            crops.append(align(image, found.landmarks[face]))
    return models.stages.embedder.embed(crops)


def curve(
    probes: dict[str, Shots], enrolled: dict[str, Vectors], fillers: Vectors, *, equal: bool
) -> list[dict[str, Any]]:
    """A row per number of shots."""
    rows = []
    for count in SHOTS:
        genuine, impostor = [], []
        for clip, shots in probes.items():
            for start in windows(shots):
                chosen = best_shots(shots, start, count)
                weights = [1.0 if equal else weight(shots.qualities[i]) for i in chosen]
                probe = fuse(shots.embeddings[chosen], np.array(weights, np.float32))
                others = [v for other, v in enrolled.items() if SIGNERS[other] != SIGNERS[clip]]
                impostor.append(float(max((np.concatenate([*others, fillers]) @ probe).max(), -1)))
                own = [v for other, v in enrolled.items() if other != clip and SIGNERS[other] == SIGNERS[clip]]
                genuine += [float((v @ probe).max()) if (v @ probe).max() > impostor[-1] else -1.0 for v in own]
        ranked = np.sort(impostor)[::-1]
        limits = {f"{fpir:g}": float(ranked[int(fpir * len(ranked))]) for fpir in FPIRS}
        fnir = {fpir: round(float(np.mean(np.array(genuine) <= limit)), 4) for fpir, limit in limits.items()}
        told = {"genuine_p05": round(float(np.percentile(genuine, 5)), 3), "stranger_max": round(float(ranked[0]), 3)}
        rows.append({"shots": count, "fnir": fnir, **told, "genuine": len(genuine), "strangers": len(ranked)})
    return rows


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="FNIR at equal FPIR by number of fused shots")
    parser.add_argument("--degrade", default="cctv:4")
    parser.add_argument("--models", type=Path, default=Config().models_dir)
    args = parser.parse_args()
    models = load_models(Config(models_dir=args.models))
    clips = {name: DATA / "video" / "asl" / f"{name}.mkv" for name in SIGNERS}
    clean = {name: shots_of_clip(path, models, None) for name, path in clips.items()}
    enrolled = {name: shots.embeddings[spread(shots)] for name, shots in clean.items()}
    probes = {name: shots_of_clip(path, models, args.degrade) for name, path in clips.items()}
    fillers = strangers_on_the_list(models)
    answer: dict[str, Any] = {"degrade": args.degrade, "embedder": models.hashes["embed"], "list": len(fillers) + 5}
    answer["fused"] = curve(probes, enrolled, fillers, equal=False)
    answer["equal_weights"] = curve(probes, enrolled, fillers, equal=True)
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
