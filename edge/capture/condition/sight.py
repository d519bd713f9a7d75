"""Judges whether a camera still sees its scene: covered, defocused, moved or washed out, and frozen behind a clock.

`SceneWatch` measures a few times a second, on a small picture; `Verdict` turns measurements into a state, with all its
times explicit. The reference is learnt from what is seen while nothing is wrong, slowly enough for day and night.
"""

from __future__ import annotations

import dataclasses
import math
from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.capture.condition.courses import Courses
from edge.capture.condition.moments import Moments
from edge.capture.condition.recurrence import Recurrence
from edge.capture.condition.stillness import Stillness
from edge.capture.masks import visible_pixels
from edge.capture.orders import Mask, Polygon
from edge.glance import Glance
from edge.pixels.scene.tamper import Bands, Gray, SceneMeasures, bands_of, measure_scene, shift_of, small_gray
from edge.records import CameraState

LOOK_EVERY_S = 0.5
ENTER_S = 8.0
"""Seconds for which a fault must show before it is said: somebody who passes before the lens is none."""
ENTER_MOVED_S, ENTER_FROZEN_S = 14.0, 2.0
LEAVE_S = 4.0
ACCEPT_MOVED_S = 12 * 3600.0
"""Seconds after which another view counts as the scene: long enough for the next shift to see the state."""
MIN_COMPARED = 6
"""Blocks with structure that a reference needs to be compared with."""
MAX_ALIKE_MOVED = 0.45
MIN_ALIKE_STILL = 0.7
MAX_ALIKE_SHIFTED, MIN_SHIFT = 0.7, 0.04
"""A scene that looks like itself elsewhere stays alike in part; it is moved where all of it is found further on."""
MIN_DETAIL_NOISE = 3.0
"""Snow of a signal that is gone has ten times the fine detail of a scene."""
MIN_LOST_COVERED = 0.6
MAX_DETAIL_DEFOCUSED = 0.5
MIN_COARSE_DEFOCUSED = 0.6
MIN_BRIGHT = 0.6
MIN_BRIGHTER = 0.3
MIN_LUMA = 10.0
_ENTER_S = {CameraState.MOVED: ENTER_MOVED_S, CameraState.FROZEN: ENTER_FROZEN_S}  # stillness has its own 20 s
_LEARN_S = 10.0
_RECENT_S = 1.5
_REFERENCE_S = 600.0
_REFRESH_S = 5.0
_MIN_ALIKE_LEARN = 0.6
_STILL_SPAN, _SETTLED = 10, 3
_GRID = 24


def fault_of(found: SceneMeasures, *, is_still: bool) -> CameraState | None:
    """The fault that one measurement shows, None for none. `is_still`: the view itself has not changed for seconds."""
    if found.luma < MIN_LUMA:
        return None  # `dark` is judged on every frame, elsewhere
    if found.num_compared < MIN_COMPARED:
        if found.bright >= 0.9:
            return CameraState.WASHED_OUT
        return CameraState.COVERED if found.structured <= 0.02 else None
    if found.bright >= MIN_BRIGHT and found.bright - found.bright_before >= MIN_BRIGHTER:
        return CameraState.WASHED_OUT
    if found.shift >= MIN_SHIFT and is_still:
        return CameraState.MOVED
    if found.coarse_alike >= MIN_COARSE_DEFOCUSED:
        return CameraState.DEFOCUSED if found.detail < MAX_DETAIL_DEFOCUSED else None
    if found.lost >= MIN_LOST_COVERED or (found.alike < MAX_ALIKE_MOVED and found.detail >= MIN_DETAIL_NOISE):
        return CameraState.COVERED
    return CameraState.MOVED if found.alike < MAX_ALIKE_MOVED and is_still else None


class Verdict:
    """The state: a fault counts once it has shown for seconds without a break, and ends a little after it has gone."""

    def __init__(self) -> None:
        self.state: CameraState | None = None
        """The fault that counts, None while all is well."""
        self.since_s = 0.0
        """When what counts now began to show."""
        self.showing: CameraState | None = None
        """What the last look showed."""
        self._showing_since_s = 0.0

    def update(self, showing: CameraState | None, at_s: float) -> CameraState | None:
        """Take in what one look shows, at a time in seconds that never goes back; return the state."""
        if showing is not self.showing:
            self.showing, self._showing_since_s = showing, at_s
        if showing is not self.state:
            wait_s = LEAVE_S if showing is None else _ENTER_S.get(showing, ENTER_S)
            if at_s - self._showing_since_s >= wait_s:
                self.state, self.since_s = showing, self._showing_since_s
        return self.state


class SceneWatch:
    """Looks at the frames of one camera. Keeps small gray pictures only, and none of them for longer than it runs."""

    def __init__(self, masks: Sequence[Mask] = (), polygons: Sequence[Polygon] = ()) -> None:
        self.verdict = Verdict()
        self.found: SceneMeasures | None = None
        """What the last look measured; None while the scene is being learnt."""
        self._masks, self._polygons = masks, polygons
        self._stillness = Stillness()
        self._loops = Recurrence(), Moments(), Courses()
        self._noted_s = -math.inf
        self._shape: tuple[int, ...] = ()
        self._visible: NDArray[np.bool_] = np.ones((1, 1), np.bool_)
        self._looked_s = -math.inf
        self._recent: Gray | None = None
        self._mean: Gray | None = None
        self._reference: Bands | None = None
        self._past: deque[Gray] = deque(maxlen=_STILL_SPAN)
        self._learnt_s, self._num_good = 0.0, 0
        self._learning_since_s: float | None = None

    @property
    def state(self) -> CameraState | None:
        """The fault that counts, None while all is well."""
        return self.verdict.state

    @property
    def is_looped(self) -> bool:
        """Whether what counts is a stream that plays seconds or minutes again and again."""
        return self.state is CameraState.FROZEN and any(one.is_looped for one in self._loops)

    def is_due(self, at_s: float) -> bool:
        """Whether a look at that monotonic time takes anything in; most don't, so their frames need not be made."""
        return at_s - self._looked_s >= LOOK_EVERY_S

    def begin_pass(self, at_s: float) -> None:
        """From here a recording is played anew: what comes back of it is no fault."""
        self._stillness.begin_pass(at_s)
        for one in self._loops:
            one.begin()

    def note(self, glance: Glance, at_s: float) -> None:
        """Take in every frame, of which some hundred pixels are kept for some seconds."""
        pixels = glance.pixels if glance.pixels.ndim == 2 else glance.pixels[..., 1]
        rows, columns = (max(1, side // _GRID) for side in pixels.shape)
        samples = pixels[rows // 2 :: rows, columns // 2 :: columns].copy()
        for one in self._loops:
            one.look(samples, at_s)
        self._noted_s = at_s

    def look(self, image: BgrImage, at_s: float) -> None:
        """Take in one frame, (H, W, 3) uint8, already masked, at a monotonic time; most calls return at once."""
        if not self.is_due(at_s):
            return
        since_s = at_s - self._looked_s
        self._looked_s = at_s
        if self._noted_s != at_s:
            self.note(Glance(image), at_s)
        gray = small_gray(image)
        if image.shape != self._shape:
            self._begin(image.shape, gray.shape)
        is_first = self._recent is None
        keep = 0.0 if self._recent is None else math.exp(-since_s / _RECENT_S)
        self._recent = gray if self._recent is None else self._recent * np.float32(keep) + gray * np.float32(1 - keep)
        self._past.append(self._recent)
        is_frozen = self._stillness.look(image, at_s) or any(one.is_looped for one in self._loops)
        showing = None if is_first else self._judge(self._recent, at_s)
        self.verdict.update(CameraState.FROZEN if showing is None and is_frozen else showing, at_s)
        if self.state is CameraState.MOVED and at_s - self.verdict.since_s >= ACCEPT_MOVED_S:
            self._forget_scene()

    def _begin(self, shape: tuple[int, ...], small: tuple[int, ...]) -> None:
        """Another size of frames: what was learnt is stretched to it, as masks and zones are.

        A camera that was set up anew, turned or cropped thus says so, instead of learning what its masks don't fit.
        """
        self._shape = shape
        shown = visible_pixels(self._masks, shape[0], shape[1], self._polygons).astype(np.float32)
        self._visible = cv2.resize(shown, (small[1], small[0]), interpolation=cv2.INTER_AREA) > 0.99
        mean, is_learnt = self._mean, self._reference is not None
        if mean is None or not is_learnt:
            self._forget_scene()
            return
        self._recent, self._num_good = None, 0
        self._past.clear()
        if mean.shape != small:
            self._mean = np.asarray(cv2.resize(mean, (small[1], small[0]), interpolation=cv2.INTER_AREA), np.float32)
            self._reference = bands_of(self._mean)

    def _forget_scene(self) -> None:
        self._recent = self._mean = self._reference = self._learning_since_s = None
        self._num_good = 0
        self._past.clear()

    def _judge(self, recent: Gray, at_s: float) -> CameraState | None:
        now = bands_of(recent)
        found = measure_scene(now, self._reference or now, self._visible)
        if self._reference is None:
            self.found = None
            showing = fault_of(found, is_still=False) if found.num_compared < MIN_COMPARED else None
        else:
            self.found = found
            is_still = found.alike < MAX_ALIKE_SHIFTED and self._is_still(now)
            if is_still and found.luma >= MIN_LUMA:
                self.found = found = dataclasses.replace(found, shift=shift_of(now, self._reference))
            showing = fault_of(found, is_still=is_still)
        is_good = showing is None and found.luma >= MIN_LUMA and found.alike >= _MIN_ALIKE_LEARN
        self._num_good = self._num_good + 1 if is_good else 0
        if self._num_good > 2 * _SETTLED:
            # Of some looks ago, with good ones before and after it: the first and the last pictures of a fault
            # still look like the scene, and must not be learnt.
            self._learn(self._past[-1 - _SETTLED], at_s)
        return showing

    def _is_still(self, now: Bands) -> bool:
        """Whether the view is what it was some looks ago: people who fill the picture move, another view stays."""
        before = measure_scene(now, bands_of(self._past[0]), self._visible)
        return len(self._past) == _STILL_SPAN and before.alike >= MIN_ALIKE_STILL

    def _learn(self, recent: Gray, at_s: float) -> None:
        """Draw the reference towards the present picture; at first quickly, then over ten minutes."""
        if self._mean is None or self._learning_since_s is None:
            self._mean, self._learning_since_s, self._learnt_s = recent, at_s, at_s
            return
        age_s = at_s - self._learning_since_s
        if age_s >= _LEARN_S and at_s - self._learnt_s < _REFRESH_S and self._reference is not None:
            return
        # Time in which nothing was learnt, as during a fault, gives this one picture no more weight.
        since_s = min(at_s - self._learnt_s, _REFRESH_S)
        weight = np.float32(since_s / min(max(age_s, LOOK_EVERY_S), _REFERENCE_S))
        self._mean = self._mean + min(weight, np.float32(1)) * (recent - self._mean)
        self._learnt_s = at_s
        if age_s >= _LEARN_S:
            self._reference = bands_of(self._mean)
