"""Runs the live pipeline over files. It reads no clock, so two runs give identical output."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from edge.app.build import Models
from edge.app.health.checks import left_out
from edge.app.offline.contents import MIN_RECORDING_FRAMES, Clip, are_pictures, open_clip
from edge.app.offline.degrader import Degradation, Degrader
from edge.app.offline.faces import Limits, Seen, face_to_json, limits_of, note
from edge.arrays import BgrImage
from edge.config import Config
from edge.errors import ImageError
from edge.names import printable
from edge.pipeline import ActiveList, DeviceFacts, HitDraft, Pipeline, Stages, TrackEnd
from edge.pipeline.bystanders import cover_bystanders
from edge.pipeline.draft import without_times
from edge.pipeline.stills import Stills
from edge.records import Frame
from edge.store.codec import hit_to_json

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
"""Time of a file's first frame, since files don't say when they were filmed; later frames count from it."""

Progress = Callable[[str, int], None]


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
            seconds = shot.time_s(number)
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
        yield face_to_json(end, result.seen.get(end.track.track_id), result.size, result.limits)
