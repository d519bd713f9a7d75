"""Decides which frames of a camera are searched for faces: all where something moves, few where nothing does.

Pure: it knows the frames and their times, and no clock, so one sequence of frames always gives the same answers.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Boxes
from edge.pipeline.pace import Pace
from edge.pipeline.regions import Region, is_near, leave_out, region_of
from edge.pixels.faces.boxes import iou
from edge.pixels.faces.patches import Box, Patch, cut_patch, find_patch
from edge.pixels.scene.change import (
    MIN_PIXELS,
    Gray,
    changed,
    changed_places,
    difference,
    follow_usual,
    large_share,
    small_gray,
)
from edge.records import Frame, Track, TrackState

MIN_LIKENESS = 0.8
"""Correlation below which a face was not found again, so the frame is searched."""
MIN_CONTINUED_IOU = 0.5
"""Overlap of where a face was followed to with where it was then found, from which on both are one face."""
LARGE_PER_S = 0.3
"""Share of the picture a second whose strong change means that something near or fast moves: it is soon gone again."""
MIN_AGE_S = 0.05
"""Least time over which that share is counted: one frame alone says little of speed."""
HOLD_S = 0.2
"""Seconds in which a large change counts as going on: who stops and turns round is not lost."""
SMALL_RATE = 0.25
"""Share of the busy rate at which frames with small changes are searched: who is far away stays in view for long."""
SETTLED_RATE = 0.15
"""Share of the busy rate at which frames are searched once every face in view has given all its shots."""
LEARN_S = 1.0
"""Seconds of a camera's first frames in which everything counts as change, while the noise of its picture is learnt."""
LENIENCE = 0.1
"""Share of an interval by which a frame may be early: frames of a camera don't come evenly."""


class Step(enum.StrEnum):
    """What is done with a frame."""

    SEARCH = "search"
    FOLLOW = "follow"
    """The faces are found again by correlation."""
    MISS = "miss"
    """Nobody was found in the last search, and nothing has changed since: the faces are missing once more."""
    REST = "rest"
    """Nothing changed."""


class Change(enum.IntEnum):
    """How much of the picture has changed since the last search."""

    NONE = 0
    SMALL = 1
    LARGE = 2
    """Something near or fast moves."""


class Attention:
    """Chooses for one camera; `pace` may be set anew between frames."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._first_ns: int | None = None
        self._searched_ns = self._whole_ns = 0
        self._looked_at: Gray | None = None
        self._usual: Gray | None = None
        self._now: Gray | None = None
        self._measured_ns = 0
        self._compared_ns = 0
        self._changed: NDArray[np.bool_] | None = None
        """What has changed since the last search, if it found nobody."""
        self._among_faces: Gray | None = None
        self._large_ns: int | None = None
        self._patches: dict[int, Patch] = {}
        self._moved: dict[int, tuple[float, float]] = {}
        self.boxes: dict[int, Box] = {}
        """Where each face was last found, by track."""
        self._is_empty = self._has_trace = False
        """Whether the last search found none of the tracks, and whether it saw what may be a face where one was."""
        self._found: frozenset[int] = frozenset()
        """The tracks whose faces were found again in the frame that was last chosen for."""

    def choose(self, frame: Frame, tracks: Sequence[Track], *, is_settled: bool = False) -> Step:
        """What to do with a frame, given the tracks after the frame before. After SEARCH, `note` has to be called.

        `is_settled`: each of the tracks has given all its shots, so a search is for newcomers alone.
        """
        now = frame.captured_mono_ns
        self._found, self._changed = frozenset(), None
        if self._first_ns is None or now < self._searched_ns:
            self._first_ns = now
            return Step.SEARCH
        if tracks and self._is_empty and self._is_still(frame):
            return Step.MISS
        if tracks:
            return self._choose_among_faces(frame, tracks, is_settled=is_settled)
        if self.pace.idle_fps <= 0:
            return Step.SEARCH
        pace, is_new = self.pace, now - self._first_ns < LEARN_S * 1e9
        if not (self._may_compare(now) or self._is_due(now, pace.idle_fps)):
            return Step.REST
        change = self._measure_change(frame)
        if change is Change.LARGE:
            self._large_ns = now
        is_large = is_new or (self._large_ns is not None and now - self._large_ns <= HOLD_S * 1e9)
        moving = pace.moving_fps(SMALL_RATE if change is Change.SMALL else 1.0)
        rate = pace.moving_fps() if is_large else pace.idle_fps if change is Change.NONE else moving
        return Step.SEARCH if self._is_due(now, rate) else Step.REST

    def region(self, frame: Frame, tracks: Sequence[Track], max_side_px: int) -> Region | None:
        """Where to search a frame for which `choose` said so: around what changed since the last search, and the tracks
        after it. None: everywhere, as often as where nothing changes."""
        if self._is_due(frame.captured_mono_ns, self.pace.idle_fps, since_ns=self._whole_ns):
            return None
        found = self._changed_among_faces(frame) if tracks else self._changed
        if found is None or not found.any():
            return None
        boxes = [box for track in tracks for box in (track.box, self.boxes.get(track.track_id, track.box))]
        return region_of(found, boxes, frame.pixels.shape[:2], max_side_px)

    def note(
        self, frame: Frame, tracks: Sequence[Track], doubtful: Boxes | None = None, *, is_whole: bool = True
    ) -> None:
        """Take in a frame that was searched, with the tracks it gave.

        `doubtful`: (N, 4) xyxy px, all that may be a face by a low score; None where that is not known. `is_whole`: not
        only a region of it was searched.
        """
        if is_whole:
            self._whole_ns = frame.captured_mono_ns
        self._is_empty = all(track.state is TrackState.CONFIRMED and track.detection is None for track in tracks)
        self._has_trace = doubtful is None or is_near(doubtful, tracks)
        self._found = frozenset()  # a frame that has to be searched is not chosen for, and must not find the former's
        self._searched_ns = self._compared_ns = frame.captured_mono_ns
        self._among_faces = None
        self._moved = {}
        self.boxes = {}
        self._patches = {}
        # After tracks a new picture is taken for comparison: what was usual before them may have moved.
        self._looked_at = None if tracks else self._now
        self._now = None
        if self.pace.busy_fps > 0 and tracks:
            self._among_faces = _small(frame)
            for track in tracks:
                if not _is_sure(track):
                    continue
                if (patch := cut_patch(frame.glance.pixels, track.box)) is not None:
                    self._patches[track.track_id] = patch
                    self.boxes[track.track_id] = track.box

    def continued(self, tracks: Sequence[Track]) -> frozenset[int]:
        """The tracks that a search, not noted yet, found just where their very pixels had gone to."""
        known = [track for track in tracks if track.detection is not None and track.track_id in self._found]
        followed = np.array([self.boxes[track.track_id] for track in known], np.float32).reshape(-1, 4)
        found = np.array([track.box for track in known], np.float32).reshape(-1, 4)
        overlaps = np.diagonal(iou(followed, found))
        return frozenset(track.track_id for track, one in zip(known, overlaps, strict=True) if one >= MIN_CONTINUED_IOU)

    def _choose_among_faces(self, frame: Frame, tracks: Sequence[Track], *, is_settled: bool) -> Step:
        """FOLLOW where every face is found again before a search is due."""
        if self.pace.busy_fps > 0:
            self._found = self._find_again(frame, tracks)
        if len(self._found) < len(tracks):
            return Step.SEARCH
        if is_settled:
            return Step.SEARCH if self._may_be_more(frame, tracks) else Step.FOLLOW
        is_due = self._is_due(frame.captured_mono_ns, self.pace.moving_fps())
        return Step.SEARCH if is_due else Step.FOLLOW

    def _find_again(self, frame: Frame, tracks: Sequence[Track]) -> frozenset[int]:
        """Move each box to where its face is now; return the tracks whose faces are surely found."""
        pixels, found = frame.glance.pixels, set()
        for track in tracks:
            number = track.track_id
            if number not in self._patches:
                continue
            x, y, likeness = find_patch(pixels, self._patches[number], self._moved.get(number, (0.0, 0.0)))
            if likeness < MIN_LIKENESS:
                continue
            self._moved[number] = (x, y)
            x1, y1, x2, y2 = track.box
            self.boxes[number] = (x1 + x, y1 + y, x2 + x, y2 + y)
            found.add(number)
        return frozenset(found)

    def _may_be_more(self, frame: Frame, tracks: Sequence[Track]) -> bool:
        """Whether somebody may have come beside settled faces: much changes away from them, or time has passed.

        Looked at as often as a search would be, against the last frame that was searched.
        """
        now = frame.captured_mono_ns
        if self._is_due(now, self.pace.moving_fps(SETTLED_RATE)):
            return True
        if self._among_faces is not None and not self._may_compare(now):
            return False
        age_s = (now - self._searched_ns) / 1e9
        self._compared_ns = now
        apart = self._apart_among_faces(frame)
        if apart is None:
            return True
        scale = apart.shape[1] / frame.pixels.shape[1]
        for track in tracks:
            leave_out(apart, track.box, scale)
            leave_out(apart, self.boxes[track.track_id], scale)
        return large_share(apart) >= LARGE_PER_S * max(age_s, MIN_AGE_S)

    def _is_still(self, frame: Frame) -> bool:
        """Whether nothing has changed since the last search, and the next is not due.

        That is as often as elsewhere: where little moves, if a face of low score is left, or else where none is.
        """
        before, usual, pace = self._among_faces, self._usual, self.pace
        rate = pace.moving_fps(SMALL_RATE) if self._has_trace else pace.idle_fps
        if pace.idle_fps <= 0 or before is None or usual is None or self._is_due(frame.captured_mono_ns, rate):
            return False
        now = _small(frame)
        return now.shape == before.shape == usual.shape and changed_places(difference(now, before), usual) < MIN_PIXELS

    def _apart_among_faces(self, frame: Frame) -> Gray | None:
        """The difference to a frame in which a search found faces; None where that is not known, or of another size."""
        now, before = _small(frame), self._among_faces
        return None if before is None or before.shape != now.shape else difference(now, before)

    def _changed_among_faces(self, frame: Frame) -> NDArray[np.bool_] | None:
        """What has changed since a search that found faces; None where that is not known."""
        apart, usual = self._apart_among_faces(frame), self._usual
        if apart is None:
            return None
        return changed(apart, np.zeros_like(apart) if usual is None or usual.shape != apart.shape else usual)

    def _is_due(self, now_ns: int, per_s: float, *, since_ns: int | None = None) -> bool:
        """Whether a search is due; `since_ns`: counted from then, not from the last one."""
        return _has_passed(now_ns - (self._searched_ns if since_ns is None else since_ns), per_s)

    def _may_compare(self, now_ns: int) -> bool:
        """Whether pictures are compared again: as often as a search would be due, since no more comes of it."""
        return _has_passed(now_ns - self._compared_ns, self.pace.moving_fps())

    def _measure_change(self, frame: Frame) -> Change:
        """How much has changed since the last search; learns what is usual at each place."""
        now, looked_at, usual = _small(frame), self._looked_at, self._usual
        self._compared_ns = frame.captured_mono_ns
        if looked_at is None or usual is None or looked_at.shape != now.shape:
            self._usual = np.zeros_like(now)
            self._now = now
            return Change.LARGE
        apart = difference(now, looked_at)
        self._changed = changed(apart, usual)
        seconds = min((frame.captured_mono_ns - self._measured_ns) / 1e9, 1.0)
        self._usual = follow_usual(usual, apart, seconds)
        self._measured_ns = frame.captured_mono_ns
        self._now = now
        if np.count_nonzero(self._changed) < MIN_PIXELS:
            return Change.NONE
        age_s = (frame.captured_mono_ns - self._searched_ns) / 1e9
        return Change.LARGE if large_share(apart) >= LARGE_PER_S * max(age_s, MIN_AGE_S) else Change.SMALL


def _has_passed(ns: int, per_s: float) -> bool:
    """Whether so much of an interval has passed that a frame may be early; 0 a second stands for every frame."""
    return per_s <= 0 or ns >= (1 - LENIENCE) / per_s * 1e9


def _small(frame: Frame) -> Gray:
    """A small gray copy, of the luma alone where the frame has it at hand."""
    glance = frame.glance
    return small_gray(glance.pixels, glance.span)


def _is_sure(track: Track) -> bool:
    """Whether a track was seen in the last search and is confirmed, so that no frame decides about it."""
    return track.state is TrackState.CONFIRMED and track.detection is not None
