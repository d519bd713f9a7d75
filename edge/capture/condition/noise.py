"""Whether the sensor's noise came back after some time: only a recording brings it back.

A machine, a traffic light or a screen before a live camera repeats what it does for ever, but never the noise over it.
Looked at is the grain, each sample less the one beside it, which light that comes and goes leaves alone; of samples
that hold still; frame by frame, because what changes smoothly is alike a frame later, too.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

MEMORY_S = 342.0
"""Seconds that are remembered: five minutes, those that are compared, and half a minute to find them in."""
RECENT_S, MAX_RECENT = 24.0, 800
KEEP_EVERY_S = 0.5
SEARCH_S = 1.6
"""How far the time after which it is back may lie from the one that is asked about."""
MAX_BACK = 0.94
"""Difference from the frame of then, as a share of that from its neighbours, when its noise is there again.

Two codings of one noisy picture, JPEG of quality 60 and 90, are at .94 to .98, of like quality far below. What is new
lies within .03 of 1, as the mean over eighteen frames.
"""
OTHER_MARGIN = 0.04
"""So much less than that of the frame just before, which light and coding make alike, and than what comes back after
any few seconds: a coder begins alike with each key frame."""
CODER_S, CODER_SPAN_S = 6.5, 4.5
MIN_FRAMES, MIN_SAMPLES = 12, 60
MIN_STILL = 0.3
"""Share of those that vary which has to hold still: where light sweeps over most of a picture, nothing can be told."""
LEAST_SHARE = 0.7
"""Share of the samples, the least different ones, that count: a beam of light that passes touches the others."""
LEAST_BACK, MOST_BACK = 0.6, 1.1
"""Between these one frame's share counts, so that no single flash of light decides."""
_STILL = 1.3
"""How many times as much as in the calmest quarter a sample may vary that holds still."""
_BESIDE = (-6.0, -4.0, 4.0, 6.0)
"""Where the neighbours lie, in frames."""
_NEAR = 1.05
"""Steps from a place within which frames are taken: three of them, where none was lost."""
_AROUND = 12
"""Half frames from a place to the furthest of those."""

Samples = NDArray[np.uint8]
Values = NDArray[np.float32]
Grain = NDArray[np.int16]
Times = NDArray[np.float64]


class Noise:
    """Holds some hundred samples of two frames a second for minutes, and of all frames for some seconds."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget all, as where a recording is played anew."""
        self._recent: deque[tuple[float, Samples]] = deque(maxlen=MAX_RECENT)
        self._kept: deque[tuple[float, Samples]] = deque()

    def note(self, samples: Samples, at_s: float) -> None:
        """Take in samples of one frame, (H, W) uint8, at a monotonic time; kept, not copied."""
        if self._recent and self._recent[-1][1].shape != samples.shape:
            self.begin()
        self._recent.append((at_s, samples))
        while at_s - self._recent[0][0] > RECENT_S:
            self._recent.popleft()
        if not self._kept or at_s - self._kept[-1][0] >= KEEP_EVERY_S:
            self._kept.append((at_s, samples))
        while at_s - self._kept[0][0] > MEMORY_S:
            self._kept.popleft()

    def is_back(self, lag_s: float) -> bool:
        """Whether frames of the last seconds hold the noise of about `lag_s` before. False where it can't be told."""
        if len(self._recent) < 2 * MIN_FRAMES:
            return False
        times = np.array([at_s for at_s, _ in self._recent])
        frames = grain_of(np.stack([one for _, one in self._recent]))
        still = still_samples(frames, MIN_STILL)
        if not still.any():
            return False
        frames, step_s = frames[:, still], float(np.median(np.diff(times)))
        back = _share_of(times, frames, self._then(still, times, lag_s, SEARCH_S, step_s), lag_s, SEARCH_S, step_s)
        if back is None or back > MAX_BACK:
            return False
        then = self._then(still, times, CODER_S, CODER_SPAN_S, step_s)
        coder = _share_of(times, frames, then, CODER_S, CODER_SPAN_S, step_s)
        return all(
            back <= one - OTHER_MARGIN for one in (coder, _share_beside(times, frames, step_s)) if one is not None
        )

    def _then(
        self, still: NDArray[np.bool_], times: Times, lag_s: float, span_s: float, step_s: float
    ) -> list[tuple[float, Grain]]:
        """Kept frames whose return, so many seconds later, would lie among the recent ones with all that is around."""
        reach_s = _places(span_s, step_s)[-1] + 2 * step_s
        return [
            (at_s, grain_of(one[np.newaxis])[0, still])
            for at_s, one in self._kept
            if times[0] + reach_s <= at_s + lag_s <= times[-1] - reach_s
        ]


def _share_of(
    times: Times, frames: Grain, then: list[tuple[float, Grain]], lag_s: float, span_s: float, step_s: float
) -> float | None:
    """The difference from the frames of then as a share of that from their neighbours; None with too few frames.

    When exactly it was is searched with every other frame, within `span_s`, and judged with the rest.
    """
    if len(then) < MIN_FRAMES:
        return None
    places = _places(span_s, step_s)
    rows = np.stack([differences(times - at_s - lag_s, frames, one, places, step_s) for at_s, one in then])
    inner = np.arange(_AROUND, len(places) - _AROUND)
    return _share(rows[1::2], int(inner[np.argmin(rows[::2, inner].mean(axis=0))]))


def _share_beside(times: Times, frames: Grain, step_s: float) -> float:
    """The same of the frame just before or after, for frames now."""
    chosen = range(_AROUND, len(frames) - _AROUND, max(1, len(frames) // 20))
    places = _places(0.0, step_s)
    rows = np.stack([differences(times - times[one], frames, frames[one], places, step_s) for one in chosen])
    middle = len(places) // 2
    rows[:, middle] = np.minimum(rows[:, middle - 4], rows[:, middle + 4])  # two steps away: not itself
    return _share(rows, middle)


def _places(span_s: float, step_s: float) -> Times:
    """Places half a step apart, in seconds: those within `span_s`, and `_AROUND` more on each side to judge them by."""
    last = math.ceil(2 * span_s / step_s) + _AROUND
    return np.asarray(np.arange(-last, last + 1) * (step_s / 2), np.float64)


def _share(rows: Values, best: int) -> float:
    # A lamp that is switched sets the frames of one side apart, so the less different half of them is the measure.
    beside = np.sort(rows[:, [best + round(2 * apart) for apart in _BESIDE]], axis=1)[:, len(_BESIDE) // 2 - 1]
    return float(np.clip(rows[:, best] / np.maximum(beside, 1e-6), LEAST_BACK, MOST_BACK).mean())


def grain_of(frames: NDArray[np.uint8]) -> Grain:
    """(N, M) int16 of (N, H, W) frames: each sample less the one to its right."""
    grain = frames[..., 1:].astype(np.int16) - frames[..., :-1].astype(np.int16)
    return grain.reshape(len(frames), -1)


def still_samples(frames: Grain, least: float) -> NDArray[np.bool_]:
    """(M,) bool of (N, M) frames: samples that vary as noise does, and do vary, as masked and white ones don't.

    None where they are too few, or less than such a share of those that vary.
    """
    spread = frames.std(axis=0, dtype=np.float32)
    alive = spread > 0
    still = alive & (spread <= _STILL * np.quantile(spread[alive], 0.25)) if alive.any() else alive
    is_enough = still.sum() >= max(MIN_SAMPLES, least * alive.sum())
    return np.asarray(still if is_enough else np.zeros_like(still), np.bool_)


def apart_of(frames: Grain, other: Grain) -> Values:
    """(N,) mean difference of (N, M) frames from another one, (M,), over the samples that differ least."""
    count = max(1, round(LEAST_SHARE * frames.shape[1]))
    return np.asarray(
        np.partition(np.abs(frames - other), count - 1, axis=1)[:, :count].mean(axis=1, dtype=np.float32), np.float32
    )


def differences(after_s: Times, frames: Grain, then: Grain, places: Times, step_s: float) -> Values:
    """Least mean difference of one frame, (M,), from (N, M) frames about a step from each place, in seconds."""
    near = np.flatnonzero((after_s >= places[0] - 2 * step_s) & (after_s <= places[-1] + 2 * step_s))
    apart = apart_of(frames[near], then)
    is_there = np.abs(after_s[near] - places[:, np.newaxis]) <= _NEAR * step_s
    least = np.where(is_there, apart, np.float32(math.inf)).min(axis=1, initial=math.inf)
    # A place without a frame, where some were lost, says nothing.
    return np.asarray(np.where(np.isfinite(least), least, apart.mean() if len(near) else 0.0), np.float32)
