"""Runs the live pipeline over files. It reads no clock, so two runs give identical output."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from edge.app.build import Models
from edge.app.health.checks import left_out
from edge.app.offline.contents import open_clip, pictures_in, videos_in
from edge.app.offline.seen import Limits, Seen, limits_of, note, where
from edge.arrays import BgrImage
from edge.capture.frames import SourceFrame
from edge.config import Config
from edge.detect import Detector
from edge.errors import ImageError
from edge.names import printable
from edge.pipeline import ActiveList, DeviceFacts, HitDraft, Pipeline, Stages, TrackEnd
from edge.pipeline.bystanders import cover_bystanders
from edge.pipeline.draft import without_times
from edge.pipeline.stills import Stills
from edge.pixels import degrade
from edge.pixels.resize import resize
from edge.records import Frame
from edge.store.codec import hit_to_json

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""Time of a file's first frame, since files don't say when they were filmed; later frames count from it."""

MIN_RECORDING_FRAMES = 3
"""With fewer frames no face can be followed (`TrackerSettings.confirm_hits`): they are pictures, not a recording."""
PICTURES = "pictures"
"""Name of the clip of a folder's pictures beside videos."""
THUMB = (24, 32)
MAX_CHANGE = 20.0
"""Mean change, of 255, between neighbours of a recording, shrunk to `THUMB` pixels."""

Progress = Callable[[str, int], None]


@dataclass(frozen=True, slots=True)
class Clip:
    """One source of frames, played as a camera of its own."""

    camera: str
    path: Path


@dataclass(slots=True)
class ClipResult:
    """The result of one clip. `clean` holds, for each hit, the face before degradation, if it was degraded.

    `is_stills`: it was no recording but one picture, or several, each judged by itself.
    """

    clip: Clip
    is_stills: bool = False
    frames: int = 0
    size: tuple[int, int] = (0, 0)
    faces: int = 0
    problem: str | None = None
    drafts: dict[str, HitDraft] = field(default_factory=dict)
    ended: list[TrackEnd] = field(default_factory=list)
    paths: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    clean: dict[str, BgrImage] = field(default_factory=dict)
    seen: dict[int, Seen] = field(default_factory=dict)
    """By track."""
    frame_files: dict[str, bytes] = field(default_factory=dict)
    """File bytes of each hit's whole frame, others in it covered, by hit."""
    limits: Limits = field(default_factory=dict)


def find_clips(source: Path) -> list[Clip]:
    """Split a source into clips: a folder of videos gives one per video, and one of its pictures, if it has some.

    Anything else is one clip by itself.
    """
    if not source.exists():
        raise ImageError(f"{printable(source)}: no such file or folder; check the path")
    if source.is_dir() and (videos := videos_in(source)):
        stems = Counter(path.stem for path in videos)
        made = [Clip(printable(path.stem if stems[path.stem] == 1 else path.name), path) for path in videos]
        return [*made, *([Clip(PICTURES, source)] if pictures_in(source) else [])]
    return [Clip(printable(source.stem) or "clip", source)]


def are_pictures(path: Path, first: Sequence[SourceFrame]) -> bool:
    """Whether a source is no recording, but one picture or a folder of unlike ones, given its first frames.

    Frames of one recording have names that differ in a number alone, one size, and hardly change.
    """
    if len(first) < MIN_RECORDING_FRAMES:
        return True
    if not path.is_dir():
        return False
    names = {re.sub(r"\d+", "0", file.name) for file in pictures_in(path)}
    if len(names) > 1 or len({shot.image.shape for shot in first}) > 1:
        return True
    small = [resize(shot.image, *THUMB).astype(np.float32) for shot in first]
    changes = [float(np.abs(one - other).mean()) for one, other in pairwise(small)]
    return float(np.mean(changes)) > MAX_CHANGE


@dataclass(frozen=True, slots=True)
class Degradation:
    """A named degradation of whole frames, scaled to the face in them."""

    text: str
    name: str
    level: int

    @classmethod
    def parse(cls, text: str) -> Degradation:
        """Read `cctv:3`; raises ImageError naming the valid ones."""
        name, level = degrade.parse(text)
        return cls(text, name, level)


class Degrader:
    """Degrades the frames of one clip, scaled to the largest face of the clean frame; before the first face, 110 px."""

    def __init__(self, degradation: Degradation, detector: Detector) -> None:
        self._degradation = degradation
        self._detector = detector
        self._face_px = 110.0

    def apply(self, image: BgrImage, frame_id: int) -> BgrImage:
        """Return a degraded copy; the seed is the frame's number."""
        found = self._detector.detect(image)
        if len(found):
            self._face_px = float(np.max(found.boxes[:, 2] - found.boxes[:, 0]))
        return degrade.apply(
            image, self._degradation.name, self._degradation.level, rng_or_seed=frame_id, face_px=self._face_px
        )


def process(
    config: Config,
    models: Models,
    active_list: ActiveList,
    clips: Sequence[Clip],
    *,
    degradation: Degradation | None = None,
    progress: Progress | None = None,
) -> Iterator[ClipResult]:
    """Run every clip through a pipeline of its own and yield its result when its frames are over.

    Of several clips, one that can't be read has no frames and says why; ImageError where none can.
    """
    num_read, first_error = 0, None
    facts = DeviceFacts(config.box_id or "offline", "test", models.hashes, models.impostor_tail, _media_clock)
    for clip in clips:
        pipeline = Pipeline(config, models.stages, active_list, facts)
        stills = Stills(config, models.stages, active_list, facts)
        degrader = Degrader(degradation, models.stages.detector) if degradation else None
        try:
            result = _run_clip(clip, models.stages, pipeline, stills, degrader, progress)
            num_read += 1
        except ImageError as error:
            first_error = first_error or error
            result = ClipResult(clip, problem=printable(str(error)))
        result.limits = limits_of(config, is_stills=result.is_stills)
        yield result
    if not num_read and first_error is not None:
        raise first_error


def _run_clip(
    clip: Clip,
    stages: Stages,
    pipeline: Pipeline,
    stills: Stills,
    degrader: Degrader | None,
    progress: Progress | None,
) -> ClipResult:
    result, refused = ClipResult(clip), stages.num_refused
    with open_clip(clip.path) as source:
        shots = source.frames()
        first = list(islice(shots, MIN_RECORDING_FRAMES))
        result.is_stills = are_pictures(clip.path, first)
        for number, shot in enumerate(chain(first, shots)):
            image = degrader.apply(shot.image, number) if degrader else shot.image
            seconds = shot.media_s if shot.media_s is not None else number / 25.0
            mono_ns = round(seconds * 1e9)
            frame = Frame(number, clip.camera, EPOCH + dt.timedelta(seconds=round(seconds, 6)), mono_ns, image)
            _process_frame(result, frame, stills if result.is_stills else pipeline)
            if progress:
                progress(clip.camera, number + 1)
        refused = stages.num_refused - refused
        told = [f"{printable(clip.path)}: {left_out(refused)}"] if refused else []
        result.problem = "\n".join([*([] if source.problem is None else [printable(source.problem)]), *told]) or None
    _collect_ended(result, pipeline.finish(clip.camera))
    if degrader and result.drafts:
        result.clean = _clean_faces(result)
    return result


def _clean_faces(result: ClipResult) -> dict[str, BgrImage]:
    """Second pass: cut the undegraded faces of the best frames, which are known only after the first pass."""
    wanted: dict[int, list[HitDraft]] = {}
    for draft in result.drafts.values():
        wanted.setdefault(draft.hit.frame_id, []).append(draft)
    clean = {}
    with open_clip(result.clip.path) as source:
        for number, shot in enumerate(source.frames()):
            for draft in wanted.get(number, []):
                if draft.shown is not None:
                    left, top = draft.hit.recipe["input"]["corner"]
                    height, width = draft.shown.found.shape[:2]
                    image = cover_bystanders(shot.image, draft.hit.box, draft.shown.covered)
                    clean[draft.hit.hit_id] = image[top : top + height, left : left + width].copy()
    return clean


def _process_frame(result: ClipResult, frame: Frame, pipeline: Pipeline | Stills) -> None:
    done = pipeline.process(frame)
    result.frames += 1
    result.size = (frame.image.shape[1], frame.image.shape[0])
    result.faces += len(done.faces)
    for track in done.tracks:
        if track.detection is not None:
            x1, y1, x2, y2 = track.box
            result.paths.setdefault(track.track_id, []).append(((x1 + x2) / 2, (y1 + y2) / 2))
            note(result.seen, track, frame.frame_id, (frame.captured_at - EPOCH).total_seconds())
    for draft in done.drafts:
        _keep_draft(result, draft)
    _collect_ended(result, done.ended)


def _collect_ended(result: ClipResult, ended: Sequence[TrackEnd]) -> None:
    """Collect ended tracks, and the hits that were decided only when their track ended."""
    result.ended += ended
    for end in ended:
        for draft in end.drafts:
            _keep_draft(result, draft)


def _keep_draft(result: ClipResult, draft: HitDraft) -> None:
    hit_id, images = draft.hit.hit_id, draft.hit.images
    result.drafts[hit_id] = draft
    if images.frame in draft.images:
        result.frame_files[hit_id] = draft.images[images.frame]


def _media_clock(frame: Frame) -> Mapping[str, Any]:
    return {"synced": None, "error_bound_ms": None, "boot_id": "", "mono_ns": frame.captured_mono_ns}


def hit_lines(results: Sequence[ClipResult]) -> Iterator[str]:
    """One JSON line per hit, without the times that differ between runs."""
    for result in results:
        for draft in result.drafts.values():
            yield json.dumps(hit_to_json(without_times(draft.hit)), ensure_ascii=False)


def track_lines(results: Sequence[ClipResult]) -> Iterator[str]:
    """One JSON line per ended track: its length, its quality and its one outcome."""
    for result in results:
        for face in faces_of(result):
            yield json.dumps(face, ensure_ascii=False)


def faces_of(result: ClipResult) -> Iterator[dict[str, Any]]:
    """JSON-ready: each ended track with where it was seen and what became of it, in their order."""
    for end in sorted(result.ended, key=lambda end: end.track.track_id):
        place = where(end, result.seen.get(end.track.track_id), result.size, result.limits)
        yield track_to_json(end) | place


def track_to_json(end: TrackEnd) -> dict[str, Any]:
    """JSON-ready form of an ended track. A track that matched nobody names nobody."""
    match = end.match if end.match and end.match.person_id else None
    return {
        "camera": end.camera,
        "track_id": end.track.track_id,
        "first_frame": end.track.first_frame_id,
        "last_frame": end.track.last_frame_id,
        "num_seen": end.track.num_seen,
        "num_shots": end.num_shots,
        "best_quality": None if end.best_quality is None else round(end.best_quality, 2),
        "person_id": match.person_id if match else None,
        "similarity": round(match.similarity, 6) if match else None,
        "margin": round(match.margin, 6) if match else None,
        "best_similarity": round(end.match.similarity, 6) if end.match else None,
        "reason": end.reason.value if end.reason else None,
    }
