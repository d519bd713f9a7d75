"""`edge eval ...`: runs our stages, and those of a peer, through the measurements of `evaluate`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from edge.app.build import load_models
from edge.app.offline.contents import find_clips, open_clip
from edge.arrays import BgrImage, Boxes, Landmarks
from edge.capture.pictures.images import read_image
from edge.config import Config, DetectConfig
from edge.detect import Detector, build_detector
from edge.enhance import Enhancer, score_face
from edge.errors import ConfigError, ImageError
from edge.evaluate.detection import clutter, evaluate_detection
from edge.evaluate.identify import evaluate_identification, split_people
from edge.evaluate.mosaics import make_mosaics, read_sources
from edge.evaluate.pairs import Enhance, evaluate_pairs, read_pairs
from edge.pixels.resize import resize
from edge.recognise import Embedder, open_peer_embedder
from edge.sessions import Pack

Progress = Callable[[str, int, int], None]
PEER_DETECTOR = "yunet_n_dynamic.onnx"
PEER_EMBEDDER = "mobilefacenet_foamliu.onnx"
FOOTAGE_WIDTH = 640


def pairs(
    config: Config,
    images: Path,
    pairs_file: Path,
    *,
    degradations: Sequence[str],
    enhance: str,
    aligned: bool,
    peer: Path | None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Verification on LFW-style pairs, for our models and, where `peer` is a folder of public weights, for those."""
    models = load_models(config)
    known = read_pairs(pairs_file)
    change = _enhance_function(enhance, models.stages.enhancer)
    sides: dict[str, tuple[Detector, Embedder]] = {"ours": (models.stages.detector, models.stages.embedder)}
    if peer is not None:
        embedder = open_peer_embedder(_peer_file(peer, PEER_EMBEDDER), config.runtime)
        sides["peer"] = (_peer_detector(config, peer), embedder)
    rows: dict[str, list[dict[str, Any]]] = {}
    for name, (detector, embedder) in sides.items():
        reports = evaluate_pairs(
            known,
            images,
            None if aligned else detector,
            embedder,
            read_image,
            degradations=degradations,
            enhance=change,
            progress=progress,
        )
        rows[name] = [{"enhance": enhance, **report.to_dict()} for report in reports]
    problem = models.stages.enhancer.benefit.problem if enhance == "auto" else None
    answer = {**rows["ours"][0], "models": models.hashes, "rows": rows["ours"], "benefit_problem": problem}
    return answer if peer is None else {**answer, "peer": rows["peer"]}


def identification(
    config: Config,
    images: Path,
    people_file: Path,
    *,
    degradations: Sequence[str],
    peer: Path | None,
    min_margin: float,
    enrolled: int = 2,
    first_probe: int | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Open-set identification of a list of people, ours beside the peer; ours with what calibration promised."""
    models = load_models(config)
    parts = split_people(images, read_people(people_file), num_enrolled=enrolled, first_probe=first_probe)
    sides: dict[str, tuple[Detector, Embedder]] = {"ours": (models.stages.detector, models.stages.embedder)}
    if peer is not None:
        embedder = open_peer_embedder(_peer_file(peer, PEER_EMBEDDER), config.runtime)
        sides["peer"] = (_peer_detector(config, peer), embedder)
    answer: dict[str, Any] = {"models": models.hashes, "min_margin": min_margin, "enrolled": enrolled}
    for name, (detector, embedder) in sides.items():
        reports = evaluate_identification(
            parts,
            images,
            detector,
            embedder,
            read_image,
            degradations=degradations,
            drawn=models.strangers.get("color") if name == "ours" else None,
            min_margin=min_margin,
            progress=progress,
        )
        answer["rows" if name == "ours" else "peer"] = [report.to_dict() for report in reports]
    return answer


def detection(
    config: Config,
    images: Path,
    people_file: Path,
    scenes: Path,
    peer: Path,
    *,
    degradations: Sequence[str],
    count: int,
    face_px: float | None,
    footage: Sequence[Path],
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Average precision on seeded mosaics of the listed people, ours beside the peer; and real footage, if given.

    `peer` is a folder with a public YuNet, which also says where the faces of the clean pictures are. Levels scale
    with each mosaic's median face, or with `face_px` where that is given.
    """
    ours = build_detector(config.detect, Pack.open(config.models_dir), config.runtime)
    teacher = _peer_detector(config, peer, 0.3)
    pictures = [found for name in read_people(people_file) for found in sorted((images / name).glob("*.jpg"))[:1]]
    backgrounds = [
        read_image(path) for path in sorted(scenes.iterdir()) if path.suffix.lower() in {".png", ".jpg", ".bmp"}
    ]
    if not pictures or not backgrounds:
        raise ImageError(
            f"no pictures of {people_file} below {images}, or no scenes in {scenes}; check the three paths"
        )
    mosaics = make_mosaics(read_sources(pictures, teacher, read_image), backgrounds, teacher, count)
    detectors = {"ours": ours, "peer": teacher}
    reports = evaluate_detection(
        detectors, mosaics, peer=teacher, degradations=degradations, face_px=face_px, progress=progress
    )
    answer: dict[str, Any] = {"rows": [report.to_dict() for report in reports]}
    if footage:
        answer["footage"] = [
            {
                "path": str(path),
                **clutter(_footage_frames(path), ours, teacher, min_score=config.detect.min_score).to_dict(),
            }
            for path in footage
        ]
    return answer


def _footage_frames(path: Path) -> Iterator[BgrImage]:
    """Frames of a clip, or of all clips of a folder, at most 640 px wide."""
    for clip in find_clips(path):
        with open_clip(clip.path) as source:
            for frame in source.frames():
                height, width = frame.image.shape[:2]
                wide = width > FOOTAGE_WIDTH
                yield resize(frame.image, round(height * FOOTAGE_WIDTH / width), FOOTAGE_WIDTH) if wide else frame.image


def _enhance_function(mode: str, enhancer: Enhancer) -> Enhance | None:
    """Return a function that enhances a face as recognition does; None where enhancement is off or has no benefit."""
    if mode == "off" or not enhancer.helps_recognition:
        return None

    def change(image: BgrImage, landmarks: Landmarks, box: Boxes) -> BgrImage | None:
        return score_face(image, landmarks, box, enhancer).enhanced

    return change


def _peer_detector(config: Config, folder: Path, min_score: float = 0.6) -> Detector:
    section = DetectConfig(
        model=str(_peer_file(folder, PEER_DETECTOR)), min_score=min_score, max_side_px=config.detect.max_side_px
    )
    # As OpenCV runs it: the yardstick gains nothing from us.
    return build_detector(section, Pack.open(config.models_dir), config.runtime, is_refined=False)


def _peer_file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise ConfigError(f"{path}: no such file; --peer takes a folder with {PEER_DETECTOR} and {PEER_EMBEDDER}")
    return path


def read_people(path: Path) -> list[str]:
    """Read a list file with one name per line; skip a first line that holds a count."""
    try:
        lines = [line.split()[0] for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ImageError(f"{path}: can't be read ({error}); give a file with one person per line") from None
    return lines[1:] if lines and lines[0].isdecimal() else lines
