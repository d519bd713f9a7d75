"""Whether a track still shows the face that its shots show: somebody else may have come to the same place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.arrays import Embedding
from edge.records import Frame

CHECK_EVERY_FRAMES = 3
CHECK_CONTINUED_EVERY_FRAMES = 60
"""Frames between two checks of a track whose very pixels were found again each time: each check is an embedding."""
CHECK_EVERY_S = 1.0
"""Seconds after which a check is due however few frames came: a camera may send one a second."""
AWAY_S = 0.2
"""Seconds that a face was missing after which it is checked at once: it may be somebody else's."""
MIN_OWN_SIMILARITY = 0.2
"""If the face resembles its own shots less than this, the track has jumped to something else, such as a wheel."""


class Sameness:
    """When the face of a track is compared with its shots, and what came of it."""

    def __init__(self) -> None:
        self.num_unlike = 0
        """Comparisons in a row that it did not pass."""
        self._is_same = True
        """Whether its pixels were followed in each search since it was last compared."""
        self._at: tuple[int, int] | None = None
        """Number and monotonic time of the frame in which it was last compared."""
        self._seen_ns: int | None = None
        self._known: tuple[int, NDArray[np.float32]] | None = None

    def is_due(self, frame: Frame, *, is_named: bool, is_continued: bool, has_returned: bool) -> bool:
        """Whether to compare it in this frame, in which a search has found it.

        A face without a name is compared only where it was away, or did not pass.
        `is_continued`: its very pixels were followed to here. `has_returned`: the last search did not find it.
        """
        self._is_same = self._is_same and is_continued and not self.num_unlike
        now, seen_ns = frame.captured_mono_ns, self._seen_ns
        self._seen_ns = now
        away_s = 0.0 if seen_ns is None or is_continued else (now - seen_ns) / 1e9
        if away_s >= (AWAY_S if has_returned else CHECK_EVERY_S):
            return True
        if not is_named and not self.num_unlike:
            return False
        if self._at is None:
            return True
        number, at_ns = self._at
        if frame.frame_id >= number + (CHECK_CONTINUED_EVERY_FRAMES if self._is_same else CHECK_EVERY_FRAMES):
            return True
        return not self._is_same and now - at_ns >= CHECK_EVERY_S * 1e9

    def begin(self, frame: Frame) -> None:
        """It is compared in this frame, which may say nothing."""
        self._at, self._is_same = (frame.frame_id, frame.captured_mono_ns), True

    def note(self, frame: Frame, now: NDArray[np.float32], own: Embedding) -> bool:
        """Compare it as it is, (1, D), with its shots; returns whether it was unlike them twice in a row."""
        self._known = frame.frame_id, now
        self.num_unlike = 0 if is_alike(now[0], own) else self.num_unlike + 1
        return self.num_unlike > 1

    def doubt(self, frame: Frame) -> None:
        """Between two comparisons a crop was unlike its shots."""
        if not self.num_unlike:
            self.begin(frame)
            self.num_unlike = 1

    def known(self, frame_id: int) -> NDArray[np.float32] | None:
        """The embedding, (1, D), of the face in that frame, if it was compared there."""
        return self._known[1] if self._known is not None and self._known[0] == frame_id else None


def is_alike(one: Embedding, own: Embedding) -> bool:
    """Whether a face resembles its own shots as much as hardly any other does."""
    return float(one @ own) >= MIN_OWN_SIMILARITY
