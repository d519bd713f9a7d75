"""Decides which frames of a camera are searched for faces: all where something moves, few where nothing does.

Pure: it knows the frames and their times, and no clock, so one sequence of frames always gives the same answers.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.config import DetectConfig
from edge.pixels.change import MIN_PIXELS, Gray, changed_places, difference, follow_usual, large_share, small_gray
from edge.pixels.patches import Box, Patch, cut_patch, find_patch
from edge.records import Frame, Track, TrackState

MIN_LIKENESS = 0.8
"""Correlation below which a face was not found again, so the frame is searched."""
LARGE_PER_S = 0.3
"""Share of the picture a second whose strong change means that something near or fast moves: it is soon gone again."""
MIN_AGE_S = 0.05
"""Least time over which that share is counted: one frame alone says little of speed."""
HOLD_S = 0.2
"""Seconds in which a large change counts as going on: who stops and turns round is not lost."""
SMALL_RATE = 0.25
"""Share of the busy rate at which frames with small changes are searched: who is far away stays in view for long."""
SETTLED_RATE = 0.3
"""Share of the busy rate at which frames are searched once every face in view has given all its shots."""
BESIDE, ABOVE = 1.0, 0.5
"""How far the body and hair of a followed face reach beside and above its box, in box sides; below, to the ground."""
LEARN_S = 1.0
"""Seconds of a camera's first frames that are all searched, while the noise of its picture is learnt."""
LIVE_GAIN = 1.1
"""A crop that is hardly better adds nothing to an answer, and costs as much as the detector does."""
LENIENCE = 0.1
"""Share of an interval by which a frame may be early: frames of a camera don't come evenly."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often frames are searched, a second; 0 stands for every frame."""

    idle_fps: float = 0.0
    """While nothing changes and nobody is followed."""
    busy_fps: float = 0.0
    """While much moves, or every face in view is found again without a search."""
    min_gain: float = 1.0
    """How many times better a crop has to be than the shot it replaces: each kept shot is enhanced and embedded."""

    @classmethod
    def of(cls, settings: DetectConfig) -> Pace:
        """The pace that is configured."""
        return cls(settings.idle_fps, settings.busy_fps, LIVE_GAIN)

    def times(self, idle: float, busy: float) -> Pace:
        """The pace with its rates multiplied; every frame stays every frame."""
        return replace(self, idle_fps=self.idle_fps * idle, busy_fps=self.busy_fps * busy)


EVERY_FRAME = Pace()
"""For files: each frame is searched, so that what is found does not depend on what a live camera can afford."""


class Step(enum.StrEnum):
    """What is done with a frame."""

    SEARCH = "search"
    FOLLOW = "follow"
    """The faces are found again by correlation."""
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
        self._searched_ns = 0
        self._looked_at: Gray | None = None
        self._usual: Gray | None = None
        self._now: Gray | None = None
        self._measured_ns = 0
        self._compared_ns = 0
        self._among_faces: Gray | None = None
        self._large_ns: int | None = None
        self._patches: dict[int, Patch] = {}
        self._moved: dict[int, tuple[float, float]] = {}
        self.boxes: dict[int, Box] = {}
        """Where each face was last found, by track."""

    def choose(self, frame: Frame, tracks: Sequence[Track], *, is_settled: bool = False) -> Step:
        """What to do with a frame, given the tracks after the frame before. After SEARCH, `note` has to be called.

        `is_settled`: each of the tracks has given all its shots, so a search is for newcomers alone.
        """
        now = frame.captured_mono_ns
        if self._first_ns is None or now < self._searched_ns:
            self._first_ns = now
            return Step.SEARCH
        if tracks:
            return self._choose_among_faces(frame, tracks, is_settled=is_settled)
        if self.pace.idle_fps <= 0:
            return Step.SEARCH
        change = self._measure_change(frame)
        if change is Change.LARGE:
            self._large_ns = now
        is_large = self._large_ns is not None and now - self._large_ns <= HOLD_S * 1e9
        pace = self.pace
        rate = pace.busy_fps if is_large else pace.busy_fps * SMALL_RATE if change is Change.SMALL else pace.idle_fps
        is_new = now - self._first_ns < LEARN_S * 1e9
        return Step.SEARCH if is_new or self._is_due(now, rate) else Step.REST

    def note(self, frame: Frame, tracks: Sequence[Track]) -> None:
        """Take in a frame that was searched, with the tracks it gave."""
        self._searched_ns = self._compared_ns = frame.captured_mono_ns
        self._among_faces = None
        self._moved = {}
        self.boxes = {}
        self._patches = {}
        # After tracks a new picture is taken for comparison: what was usual before them may have moved.
        self._looked_at = None if tracks else self._now
        self._now = None
        if self.pace.busy_fps > 0 and tracks and _are_sure(tracks):
            self._among_faces = _small(frame)
            for track in tracks:
                if (patch := cut_patch(frame.glance.pixels, track.box)) is not None:
                    self._patches[track.track_id] = patch
                    self.boxes[track.track_id] = track.box

    def _choose_among_faces(self, frame: Frame, tracks: Sequence[Track], *, is_settled: bool) -> Step:
        """FOLLOW where every face is found again before a search is due."""
        is_known = _are_sure(tracks) and all(track.track_id in self._patches for track in tracks)
        if self.pace.busy_fps <= 0 or not is_known or not self._find_again(frame, tracks):
            return Step.SEARCH
        if is_settled:
            return Step.SEARCH if self._may_be_more(frame, tracks) else Step.FOLLOW
        is_due = self._is_due(frame.captured_mono_ns, self.pace.busy_fps)
        return Step.SEARCH if is_due else Step.FOLLOW

    def _find_again(self, frame: Frame, tracks: Sequence[Track]) -> bool:
        """Move each box to where its face is now; False where one is not surely found."""
        pixels = frame.glance.pixels
        for track in tracks:
            number = track.track_id
            x, y, likeness = find_patch(pixels, self._patches[number], self._moved.get(number, (0.0, 0.0)))
            if likeness < MIN_LIKENESS:
                return False
            self._moved[number] = (x, y)
            x1, y1, x2, y2 = track.box
            self.boxes[number] = (x1 + x, y1 + y, x2 + x, y2 + y)
        return True

    def _may_be_more(self, frame: Frame, tracks: Sequence[Track]) -> bool:
        """Whether somebody may have come beside settled faces: much changes away from them, or time has passed.

        Looked at as often as a search would be, against the last frame that was searched.
        """
        now = frame.captured_mono_ns
        if self._is_due(now, self.pace.busy_fps * SETTLED_RATE):
            return True
        if self._among_faces is None or now - self._compared_ns < (1 - LENIENCE) / self.pace.busy_fps * 1e9:
            return self._among_faces is None
        age_s = (now - self._searched_ns) / 1e9
        self._compared_ns = now
        apart = difference(_small(frame), self._among_faces)
        scale = apart.shape[1] / frame.pixels.shape[1]
        for track in tracks:
            _leave_out(apart, track.box, scale)
            _leave_out(apart, self.boxes[track.track_id], scale)
        return large_share(apart) >= LARGE_PER_S * max(age_s, MIN_AGE_S)

    def _is_due(self, now_ns: int, per_s: float) -> bool:
        return per_s <= 0 or now_ns - self._searched_ns >= (1 - LENIENCE) / per_s * 1e9

    def _measure_change(self, frame: Frame) -> Change:
        """How much has changed since the last search; learns what is usual at each place."""
        now, looked_at, usual = _small(frame), self._looked_at, self._usual
        if looked_at is None or usual is None or looked_at.shape != now.shape:
            self._usual = np.zeros_like(now)
            self._now = now
            return Change.LARGE
        apart = difference(now, looked_at)
        found = changed_places(apart, usual)
        seconds = min((frame.captured_mono_ns - self._measured_ns) / 1e9, 1.0)
        self._usual = follow_usual(usual, apart, seconds)
        self._measured_ns = frame.captured_mono_ns
        self._now = now
        if found < MIN_PIXELS:
            return Change.NONE
        age_s = (frame.captured_mono_ns - self._searched_ns) / 1e9
        return Change.LARGE if large_share(apart) >= LARGE_PER_S * max(age_s, MIN_AGE_S) else Change.SMALL


def _small(frame: Frame) -> Gray:
    """A small gray copy, of the luma alone where the frame has it at hand."""
    glance = frame.glance
    return small_gray(glance.pixels, glance.span)


def _are_sure(tracks: Sequence[Track]) -> bool:
    """Whether each track was seen in the last search and is confirmed, so that no frame decides about it."""
    return all(track.state is TrackState.CONFIRMED and track.detection is not None for track in tracks)


def _leave_out(apart: Gray, box: Box, scale: float) -> None:
    """Set to no change, in place, where the person of a face stands; `scale`: px of `apart` a px of `box`."""
    x1, y1, x2, y2 = box
    left, right = (x1 - BESIDE * (x2 - x1)) * scale, (x2 + BESIDE * (x2 - x1)) * scale
    apart[max(int((y1 - ABOVE * (y2 - y1)) * scale), 0) :, max(int(left), 0) : max(int(right) + 1, 0)] = 0
