"""Runs the stages in order, once per frame."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

from edge.config import CameraConfig, Config, status_of
from edge.detect import Detector, in_two_looks
from edge.enhance import Budget, Enhancer
from edge.errors import AnswerError
from edge.pipeline.active_list import ActiveList
from edge.pipeline.attention import Attention, Step
from edge.pipeline.bystanders import Bystanders, bystanders_of
from edge.pipeline.camera_state import CameraState
from edge.pipeline.draft import DeviceFacts, Drafter, HitDraft
from edge.pipeline.face import TrackedFace
from edge.pipeline.limits import limits_of
from edge.pipeline.newcomers import search
from edge.pipeline.pace import EVERY_FRAME, Pace
from edge.pipeline.regions import Region
from edge.pipeline.results import FrameResult, TrackEnd
from edge.recognise import Embedder
from edge.records import Detections, Frame, Hit, LiveFace, Person, Reason, Track, TrackState
from edge.track import Tracker, TrackerSettings
from edge.visit import Visits


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages that hold models."""

    detector: Detector
    enhancer: Enhancer
    embedder: Embedder
    bystander_searcher: Detector | None = None
    """Searches a kept frame for bystanders. None: only those that the search of the frame found are covered."""

    @property
    def num_refused(self) -> int:
        """Answers of detector and embedder so far that could not be used."""
        return sum(int(getattr(part, "num_refused", 0)) for part in (self.detector, self.embedder))


class Pipeline:
    """Deterministic for one sequence of frames, list and models. Called by one thread."""

    def __init__(
        self,
        config: Config,
        stages: Stages,
        active_list: ActiveList,
        facts: DeviceFacts,
        pace: Pace = EVERY_FRAME,
    ) -> None:
        self._config = config
        self._pace = pace
        self._stages = stages
        self._detector, self._settle = in_two_looks(stages.detector)
        self._active_list, self._limits = active_list, limits_of(config.recognise, active_list)
        self._list_number = self._list_followed = 0
        self._drafter = Drafter(stages.enhancer, stages.embedder, facts, config.detect, stages.bystander_searcher)
        self._camera_settings = {camera.name: camera for camera in config.camera}
        self._visits = Visits(config.visit.gap_s, config.visit.update_every_s, pace.min_gain)
        self._last_drafts: dict[tuple[str, str], HitDraft] = {}
        self._cameras: dict[str, CameraState] = {}

    @property
    def budget(self) -> Budget | None:
        """What enhancement may cost per frame; None where time does not matter."""
        return self._stages.enhancer.budget

    @property
    def active_list(self) -> ActiveList:
        """The people looked for. A new list has its limits before it counts; faces in view are searched in it again."""
        return self._active_list

    @active_list.setter
    def active_list(self, active_list: ActiveList) -> None:
        limits = limits_of(self._config.recognise, active_list)
        self._active_list, self._limits = active_list, limits
        self._list_number += 1

    def resume(self, hit: Hit) -> None:
        """Continue the visit of a stored hit, so that a restart raises no second alert for it."""
        person_id = hit.person.person_id
        cooldown_s = self._cooldown_s(hit.person)
        quality = float(hit.quality["score"])
        self._visits.restore(person_id, hit.camera, hit.visit, best_quality=quality, cooldown_s=cooldown_s)
        self._last_drafts[(hit.camera, person_id)] = HitDraft(hit, images={}, is_new=False, shown=None)

    def end_visit(self, hit: Hit) -> None:
        """The hit of a visit is gone, as of a person who was erased: if they are listed anew, they have a new one."""
        key = (hit.camera, hit.person.person_id)
        if key in self._last_drafts and self._last_drafts[key].hit.hit_id == hit.hit_id:
            del self._last_drafts[key]
            self._visits.end(hit.person.person_id, hit.camera)

    @property
    def pace(self) -> Pace:
        """How often frames are searched; a new pace counts from the next frame of each camera."""
        return self._pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self._pace = pace
        for state in list(self._cameras.values()):
            state.attention.pace = pace

    def process(self, frame: Frame, *, must_search: bool = False) -> FrameResult:
        """Run every stage on one frame, or only follow the faces in it where the pace allows that."""
        self._stages.enhancer.begin_frame()
        if self._list_followed != self._list_number:
            self._forget_unlisted()
        state = self._state_of(frame.camera)
        step = Step.SEARCH
        if not must_search:
            step = state.attention.choose(frame, state.tracks, is_settled=state.is_settled())
        if step is Step.SEARCH:
            max_side_px = self._config.detect.max_side_px
            region = None if must_search else state.attention.region(frame, state.tracks, max_side_px)
            return self._search(frame, state, region)
        return self._miss(frame, state) if step is Step.MISS else self._follow(frame, state)

    def _follow(self, frame: Frame, state: CameraState) -> FrameResult:
        """The result of a frame that is not searched: each face where it was found again."""
        boxes, camera = state.attention.boxes, frame.camera
        state.tracker.move(frame.frame_id, boxes)
        tracks = tuple(replace(track, box=boxes[track.track_id], detection=None) for track in state.tracks)
        faces = tuple(self._live(camera, track, state.faces.get(track.track_id)) for track in tracks)
        return FrameResult(Detections.empty(), tracks, faces, (), (), is_searched=False)

    def _miss(self, frame: Frame, state: CameraState) -> FrameResult:
        """The result of a frame in which a search would find nobody, as the one before."""
        nobody = Detections.empty()
        tracks = state.tracker.update(frame.frame_id, nobody)
        state.tracks = tuple(track for track in tracks if track.state is not TrackState.LOST)
        return FrameResult(nobody, tracks, (), (), self._end(frame.camera, state, tracks), is_searched=False)

    def _search(self, frame: Frame, state: CameraState, region: Region | None) -> FrameResult:
        try:
            detections = search(self._detector, frame.image, self._config.detect.search_score, state.tracks, region)
        except AnswerError:  # counted by its session, and told in `health`; to the tracks the frame shows nobody
            detections = Detections.empty()
        missing = {track.track_id for track in state.tracks if track.detection is None}
        tracks = state.tracker.update(frame.frame_id, detections)
        state.tracks = tuple(track for track in tracks if track.state is not TrackState.LOST)
        continued = state.attention.continued(tracks)
        state.attention.note(frame, state.tracks, detections.doubtful, is_whole=region is None)
        drafts: list[HitDraft] = []
        ended_by_switch: list[TrackEnd] = []
        for track in tracks:
            if track.state is TrackState.CONFIRMED and track.detection is not None:
                face = state.faces.setdefault(track.track_id, self._new_face())
                face.is_continued, face.has_returned = track.track_id in continued, track.track_id in missing
                if face.has_changed(frame, track, self._stages.embedder, self._settle):
                    # Ends the recognised face: its name must not follow the track to somebody else.
                    ended_by_switch.append(self._outcome(frame.camera, track, face))
                    face = state.faces[track.track_id] = self._new_face()
                drafts += self._process_face(frame, track, face, bystanders_of(track, detections, tracks))
        ended = (*ended_by_switch, *self._end(frame.camera, state, tracks))
        faces = tuple(
            self._live(frame.camera, track, state.faces.get(track.track_id))
            for track in tracks
            if track.detection is not None
        )
        return FrameResult(detections, tracks, faces, tuple(drafts), ended)

    def take_areas(self, camera: CameraConfig) -> tuple[TrackEnd, ...]:
        """From the next frame on, recognise faces in these zones of a camera; ends the tracks that began before."""
        self._camera_settings[camera.name] = camera
        for face in self._state_of(camera.name).faces.values():
            face.hide(camera)
        return self.finish(camera.name)

    def finish(self, camera: str) -> tuple[TrackEnd, ...]:
        """End every track of a camera whose frames are over."""
        state = self._state_of(camera)
        state.tracks = ()
        return self._end(camera, state, state.tracker.finish())

    def _process_face(self, frame: Frame, track: Track, face: TrackedFace, bystanders: Bystanders) -> list[HitDraft]:
        """Add a shot; where the face is recognised, update its visit, which may lead to a new or updated hit."""
        shots_changed = False
        with contextlib.suppress(AnswerError):
            shots_changed = face.add_shot(
                frame,
                track,
                self._config.detect.min_face_px,
                self._stages.embedder,
                self._camera_settings.get(frame.camera),
                self._stages.enhancer,
                bystanders,
                self._settle,
            )
        expired = self.active_list.expired_at(frame.captured_at)
        # Somebody who is enrolled while in view may never show a better face than the one that was searched.
        is_unsearched, face.searched_list = face.searched_list != self._list_number, self._list_number
        if shots_changed or is_unsearched or (face.match is not None and face.match.person_id in expired):
            face.answer(self.active_list, self._limits, expired)
        return self._update_visit(frame, face)

    def _update_visit(self, frame: Frame, face: TrackedFace) -> list[HitDraft]:
        """Add a sighting of a recognised face to its visit."""
        match = face.match
        if match is None or match.person_id is None or face.best is None or face.is_doubtful:
            return []
        if match.person_id not in self.active_list.people:
            return []
        quality = face.best[1].quality.score
        update = self._visits.sighting(
            match.person_id,
            frame.camera,
            frame.captured_at,
            quality,
            match.similarity,
            self._cooldown_s(self.active_list.people[match.person_id]),
            frame.captured_mono_ns / 1e9,
        )
        if update.kind == "none":
            return []
        face.has_hit = face.has_hit or update.kind == "new"
        key = (frame.camera, match.person_id)
        last_draft = None if update.kind == "new" else self._last_drafts.get(key)
        if last_draft is not None and not update.is_best:
            # No better shot: update the visit, keep the pictures; a worse track must not replace a better face.
            draft = self._drafter.renew(last_draft, face, match, update.visit, self.active_list)
        else:
            hit_id = last_draft.hit.hit_id if last_draft else None
            draft = self._drafter.draft(face, match, update.visit, self.active_list, hit_id=hit_id)
        self._last_drafts[key] = replace(draft, images={})  # stored by now, and megabytes for each person seen
        return [draft]

    def _forget_unlisted(self) -> None:
        """End the visits of people who are no longer listed: listed again, they have a hit anew, and maybe no other."""
        self._list_followed, listed = self._list_number, self._active_list.people.keys()
        self._visits.keep(listed)
        self._last_drafts = {key: draft for key, draft in self._last_drafts.items() if key[1] in listed}

    def _cooldown_s(self, person: Person) -> float:
        return status_of(person.status, self._config.status, self._config.review).cooldown_s

    def _end(self, camera: str, state: CameraState, tracks: tuple[Track, ...]) -> tuple[TrackEnd, ...]:
        ended = []
        for track in tracks:
            if track.state is not TrackState.LOST:
                continue
            face = state.faces.pop(track.track_id, None)
            unseen = TrackEnd(camera, track, None, Reason.LOW_SCORE, 0, None)
            ended.append(unseen if face is None else self._outcome(camera, track, face))
        return tuple(ended)

    def _outcome(self, camera: str, track: Track, face: TrackedFace) -> TrackEnd:
        """Return the one outcome of a face whose track is over."""
        drafts = self._final_answer(face)
        known = face.match is not None and face.match.person_id is not None
        reason = None if face.has_hit else Reason.COOLDOWN if known else face.reason
        quality = face.best[1].quality if face.best else None
        best = quality.score if quality else None
        return TrackEnd(camera, track, face.match, reason, face.num_shots, best, tuple(drafts), quality)

    def _final_answer(self, face: TrackedFace) -> list[HitDraft]:
        """Final answer of a track that ended with too few shots."""
        if face.match is not None or face.best is None:
            return []
        frame = face.best[0]
        face.answer(self.active_list, self._limits, self.active_list.expired_at(frame.captured_at), is_last=True)
        return self._update_visit(frame, face)

    def _live(self, camera: str, track: Track, face: TrackedFace | None) -> LiveFace:
        match = None if face is None or face.is_doubtful else face.match
        person = self.active_list.people.get(match.person_id) if match and match.person_id else None
        similarity = match.similarity if match and person else None
        last = self._last_drafts.get((camera, person.person_id)) if person else None
        hit_id = last.hit.hit_id if last else None
        is_between = match is not None and match.reason is Reason.BELOW_MARGIN
        return LiveFace(track.box, person.name if person else None, similarity, track.track_id, hit_id, is_between)

    def _state_of(self, camera: str) -> CameraState:
        if camera not in self._cameras:
            tracker = Tracker(TrackerSettings(high_score=self._config.detect.min_score))
            self._cameras[camera] = CameraState(tracker, Attention(self._pace))
        return self._cameras[camera]

    def _new_face(self) -> TrackedFace:
        return TrackedFace(self._config.recognise, self._pace.min_gain, self._pace.sure_by)
