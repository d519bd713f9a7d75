"""The figures of the cards, through `edge.evaluate`: int8 beside fp32, and the public peers beside both.

`python -m tools.train.measure detect|embed [--count N] [--model FILE ...] [--pictures DIR]`
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.config import RuntimeConfig
from edge.detect import FaceDetector
from edge.evaluate import detection, mosaics, pairs
from edge.evaluate.measures import score_pairs
from edge.recognise import Embedder, open_peer_embedder
from edge.sessions import InputSpec, Pack, load_file
from tools.data import DATA
from tools.train import paths

RUNTIME = RuntimeConfig(threads=1)
SHIPPED_SCORE = 0.6
DETECT_FAULTS = ("clean", "dark:5", "motion:2", "blur:3", "cctv:3")
EMBED_FAULTS = (
    *("clean", "dark:3", "dark:5", "motion:3", "motion:5", "blur:3", "lowres:3", "lowres:5"),
    *("noise:3", "jpeg:5", "cctv:3", "cctv:4"),
)
FRAMES_PER_CLIP = 20
FRAME_WIDTH_PX = 640


def read_image(path: Path) -> BgrImage:
    """A picture of the training data's folders. Raises ValueError where it can't be read."""
    image = paths.read_picture(path)
    if image is None:
        raise ValueError(f"{path}: not a readable picture")
    return image


def detector(path: Path, min_score: float = SHIPPED_SCORE) -> FaceDetector:
    """A detector file of ours or a YuNet, outside any pack."""
    return FaceDetector(load_file(path, "detect", RUNTIME), min_score=min_score)


def clips() -> list[Path]:
    """The footage that is for measuring only."""
    folder = DATA / "video"
    return [p for p in sorted(folder.rglob("*")) if p.suffix in {".mkv", ".mp4", ".gif"}]


def frames(path: Path, number: int = FRAMES_PER_CLIP) -> list[BgrImage]:
    """Evenly spaced frames of a clip, at most 640 px wide."""
    capture, every = cv2.VideoCapture(str(path)), []
    while True:
        done, frame = capture.read()
        if not done:
            break
        every.append(frame)
    chosen = [every[i] for i in np.unique(np.linspace(0, len(every) - 1, number).astype(int))] if every else []
    small = []
    for frame in chosen:
        height, width = frame.shape[:2]
        size = (FRAME_WIDTH_PX, round(height * FRAME_WIDTH_PX / width))
        small.append(cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if width > FRAME_WIDTH_PX else frame)
    return [np.asarray(frame, dtype=np.uint8) for frame in small]


def detect_table(models: dict[str, Path], count: int = 150) -> dict[str, Any]:
    """Average precision and landmark error on mosaics of held-out people."""
    found = {name: detector(path, 0.02) for name, path in models.items()}
    peer = detector(paths.YUNET_DYNAMIC, 0.3)
    found["YuNet"] = detector(paths.YUNET_DYNAMIC, 0.02)
    people = (paths.LFW / "people_dev.txt").read_text().splitlines()[1:]
    files = [p for name in people for p in sorted((paths.LFW / "images" / name.split("\t")[0]).glob("*.jpg"))[:1]]
    scenes = [read_image(p) for p in sorted((DATA / "scenes" / "set14").iterdir())]
    made = mosaics.make_mosaics(mosaics.read_sources(files, peer, read_image), scenes, peer, count)
    rows: dict[str, dict[str, Any]] = {}
    for report in detection.evaluate_detection(found, made, peer=peer, degradations=DETECT_FAULTS):
        row = rows.setdefault(report.degrade, {})
        row[f"{report.detector} AP"] = report.average_precision
        row[f"{report.detector} landmarks"] = report.landmark_error_to_peer
    what = (
        f"Average precision at IoU 0.5 on {count} mosaics of held-out people (640 x 480, faces 12-80 px); landmarks: "
    )
    return {"what": what + "mean distance to YuNet's on the clean mosaic over the eye distance, faces over 30 px",
            "rows": rows}  # fmt: skip


def footage_table(model: Path, pictures: Path | None = None, min_score: float = SHIPPED_SCORE) -> dict[str, Any]:
    """Real footage: YuNet's sure faces found, and places where only we fire; optionally drawn into `pictures`."""
    ours, peer = detector(model, min_score), detector(paths.YUNET_DYNAMIC, 0.3)
    rows, total = {}, np.zeros(4, int)
    for clip in clips():
        shown = frames(clip)
        report = detection.clutter(shown, ours, peer, min_score=min_score)
        numbers = (report.num_frames, report.num_peer_sure, report.num_peer_sure_found, report.num_clutter)
        rows[clip.stem] = dict(zip(("frames", "sure faces", "found", "only ours"), numbers, strict=True))
        total += numbers
        if pictures is not None:
            _draw(shown, report.places, pictures / f"{clip.stem}.png")
    rows["all"] = dict(zip(("frames", "sure faces", "found", "only ours"), total.tolist(), strict=True))
    what = f"Real footage at score {min_score}, 20 frames a clip: YuNet's sure faces (score >= .8), those found, and "
    return {"what": what + "places where YuNet sees nothing at .3", "rows": rows}


def _draw(shown: Sequence[BgrImage], places: Sequence[Any], path: Path) -> None:
    """The surest places that only we fire on, each with its surroundings."""
    tiles = []
    for number, score, (x1, y1, x2, y2) in places[:12]:
        frame = shown[number]
        half = int(max(x2 - x1, y2 - y1) * 1.5) + 8
        cx, cy = int((x1 + x2) / 2), int((y1 + y2) / 2)
        wide = cv2.copyMakeBorder(frame, half, half, half, half, cv2.BORDER_CONSTANT)
        tile = cv2.resize(wide[cy : cy + 2 * half, cx : cx + 2 * half], (160, 160))
        cv2.putText(tile, f"{score:.2f} {x2 - x1:.0f}px f{number}", (3, 14), 0, 0.45, (0, 255, 255), 1)
        tiles.append(tile)
    if tiles:
        path.parent.mkdir(parents=True, exist_ok=True)
        tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 6)
        cv2.imwrite(str(path), np.vstack([np.hstack(tiles[i : i + 6]) for i in range(0, len(tiles), 6)]))


class _Shared:
    """Embeds the same crops with several models; what `evaluate_pairs` asks of an embedder."""

    def __init__(self, models: dict[str, Embedder]) -> None:
        self.models, self.crops = models, [np.zeros((112, 112, 3), np.uint8)]

    def embed(self, aligned: Sequence[BgrImage]) -> NDArray[np.float32]:
        self.crops = list(aligned)
        return next(iter(self.models.values())).embed(self.crops)


def embed_table(models: dict[str, Path], finder: Path, faults: Sequence[str] = EMBED_FAULTS) -> dict[str, Any]:
    """10-fold accuracy on the held-out pairs, every model on the crops of one detector."""
    spec = InputSpec(color="RGB", shape=("n", 3, 112, 112))
    sides = {name: Embedder(load_file(path, "embed", RUNTIME, spec)) for name, path in models.items()}
    sides["MobileFaceNet"] = open_peer_embedder(paths.MOBILEFACENET, RUNTIME)
    shared, known = _Shared(sides), pairs.read_pairs(paths.LFW / "pairs_dev.txt")
    order = sorted({p for pair in known for p in (pair.first, pair.second)}, key=lambda p: (p.person, p.number))
    index = {picture: i for i, picture in enumerate(order)}
    first, second = (np.array([index[getattr(pair, side)] for pair in known]) for side in ("first", "second"))
    same, folds, find = np.array([pair.same for pair in known]), pairs.split_folds(known), detector(finder)
    rows: dict[str, dict[str, Any]] = {}
    for fault in faults:
        report = pairs.evaluate_pairs(
            known, paths.LFW / "images", find, shared, read_image, degradations=[fault]  # type: ignore[arg-type]
        )[0]  # fmt: skip
        row = rows.setdefault(fault, {"no face": report.num_without_face})
        for name, side in sides.items():
            vectors = side.embed(shared.crops).astype(np.float64)
            scores = score_pairs((vectors[first] * vectors[second]).sum(1), same, folds)
            row[f"{name} accuracy"], row[f"{name} TAR"] = scores.accuracy, scores.tar_at_fmr_1e2
        print(fault, {key: round(value, 4) for key, value in row.items()}, flush=True)
    what = f"600 pairs of held-out people, faces found by `{finder.stem}`: 10-fold accuracy and TAR at FMR 1e-2; "
    return {"what": what + f"`no face`: pictures of {len(order)} cut at the usual place", "rows": rows}


def scores(task: str, models: dict[str, Path], pack: Path) -> dict[str, Any]:
    """All tables of a task, for the manifest."""
    if task == "detect":
        return {"min_score": SHIPPED_SCORE, "tables": [detect_table(models), footage_table(models["int8"])]}
    entry = Pack.open(pack).find("detect", "default")
    return {"tables": [embed_table(models, pack / entry.file)]}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="measure models outside the pack")
    parser.add_argument("task", choices=("detect", "footage", "embed"))
    parser.add_argument("--model", type=Path, nargs="+", required=True)
    parser.add_argument("--count", type=int, default=60, help="mosaics")
    parser.add_argument("--detector", type=Path, default=paths.YUNET_DYNAMIC, help="who finds the faces to embed")
    parser.add_argument("--faults", nargs="+", default=list(EMBED_FAULTS))
    parser.add_argument("--pictures", type=Path, help="folder for the places that only we fire on")
    parser.add_argument("--min-score", type=float, default=SHIPPED_SCORE)
    args = parser.parse_args()
    models = {path.stem: path for path in args.model}
    if args.task == "detect":
        table = detect_table(models, args.count)
    elif args.task == "footage":
        table = footage_table(args.model[0], args.pictures, args.min_score)
    else:
        table = embed_table(models, args.detector, args.faults)
    for name, row in table["rows"].items():
        print(name, json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}))


if __name__ == "__main__":
    main()
