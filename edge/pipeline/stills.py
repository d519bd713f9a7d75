"""Single pictures: nothing can be followed, so each face is judged at once, by the limits of one picture.

Frames of a recording never come here: there a face has to be seen again before it counts.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np

from edge.config import Config
from edge.detect import for_stills
from edge.errors import AnswerError
from edge.pipeline.active_list import ActiveList
from edge.pipeline.bystanders import bystanders_of
from edge.pipeline.draft import DeviceFacts, Drafter, HitDraft
from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import still_limits_of
from edge.pipeline.pipeline import Stages
from edge.pipeline.results import FrameResult, TrackEnd
from edge.records import Detections, Frame, LiveFace, Reason, Track, TrackState, Visit

ONE_PICTURE = "one_picture"
"""Timing of an answer that rests on one picture."""


class Stills:
    """Judges pictures one by one; deterministic for one picture, list and models. Called by one thread."""

    def __init__(self, config: Config, stages: Stages, active_list: ActiveList, facts: DeviceFacts) -> None:
        self._config = config
        self._settings = config.recognise.model_copy(update={"min_shots": 1})
        self._stages, self._detector = stages, for_stills(stages.detector)
        self._active_list = active_list
        self._limits = still_limits_of(config.recognise, active_list)
        self._drafter = Drafter(stages.enhancer, stages.embedder, facts, config.detect, stages.bystander_searcher)
        self._camera_settings = {camera.name: camera for camera in config.camera}
        self._num_faces = 0

    def process(self, frame: Frame) -> FrameResult:
        """Judge every face of one picture. A person has one hit in it: the face that is most alike."""
        self._stages.enhancer.begin_frame()
        detections = Detections.empty()
        with contextlib.suppress(AnswerError):
            detections = self._detector.detect(frame.image, self._config.detect.search_score)
        tracks = self._tracks(frame, detections)
        faces = [(track, self._judge(frame, track, detections, tracks)) for track in tracks]
        best: dict[str, TrackedFace] = {}
        for _, face in faces:
            person_id, similarity = _answer(face)
            if person_id is not None and similarity > _answer(best.get(person_id))[1]:
                best[person_id] = face
        ended = [self._end(frame, track, face, best) for track, face in faces]
        drafts = tuple(draft for end in ended for draft in end.drafts)
        shown = tuple(self._shown(track, face) for track, face in faces)
        return FrameResult(detections, tracks, shown, drafts, tuple(replace(end, drafts=()) for end in ended))

    def _tracks(self, frame: Frame, detections: Detections) -> tuple[Track, ...]:
        """A track of one frame for every sure face."""
        made = []
        for index in np.flatnonzero(detections.scores >= self._config.detect.min_score).tolist():
            self._num_faces += 1
            x1, y1, x2, y2 = (float(value) for value in detections.boxes[index])
            score, landmarks, number = float(detections.scores[index]), detections.landmarks[index], frame.frame_id
            about = TrackState.CONFIRMED, (x1, y1, x2, y2), score, landmarks, number, number, 1, index
            made.append(Track(self._num_faces, *about))
        return tuple(made)

    def _judge(self, frame: Frame, track: Track, detections: Detections, tracks: tuple[Track, ...]) -> TrackedFace:
        face = TrackedFace(self._settings)
        with contextlib.suppress(AnswerError):  # counted by the model's session; the face ends with no shot
            face.add_shot(
                frame,
                track,
                self._config.detect.min_face_px,
                self._stages.embedder,
                self._camera_settings.get(frame.camera),
                self._stages.enhancer,
                bystanders_of(track, detections, tracks),
            )
        face.answer(self._active_list, self._limits, self._active_list.expired_at(frame.captured_at))
        face.timing = ONE_PICTURE
        return face

    def _end(self, frame: Frame, track: Track, face: TrackedFace, best: dict[str, TrackedFace]) -> TrackEnd:
        """The outcome of a face; a face of somebody whose hit shows another face ends in `cooldown`."""
        drafts: tuple[HitDraft, ...] = ()
        person_id = _answer(face)[0]
        if person_id is not None and best[person_id] is face:
            assert face.match is not None
            at = frame.captured_at
            drafts = (self._drafter.draft(face, face.match, Visit(at, at, at, 1), self._active_list, hit_id=None),)
        reason = None if drafts else Reason.COOLDOWN if person_id is not None else face.reason
        quality = face.best[1].quality.score if face.best else None
        lost = replace(track, state=TrackState.LOST, detection=None)
        return TrackEnd(frame.camera, lost, face.match, reason, face.num_shots, quality, drafts)

    def _shown(self, track: Track, face: TrackedFace) -> LiveFace:
        person_id, similarity = _answer(face)
        name = None if person_id is None else self._active_list.people[person_id].name
        return LiveFace(track.box, name, None if name is None else similarity, track.track_id)


def _answer(face: TrackedFace | None) -> tuple[str | None, float]:
    """Who it is, if anybody, and the similarity."""
    match = None if face is None else face.match
    return (None, -1.0) if match is None else (match.person_id, match.similarity)
