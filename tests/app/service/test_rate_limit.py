"""How often pictures are made: the mean rate holds whatever rate frames come at."""

from __future__ import annotations

import numpy as np
import pytest

from edge.app.service.vision import RateLimit


@pytest.mark.parametrize("fps", [5, 8, 12, 15, 19, 25, 30, 60])
def test_a_rate_is_kept_whatever_rate_frames_come_at(fps: int) -> None:
    rng, limit = np.random.default_rng(fps), RateLimit()
    times = np.arange(60 * fps) / fps + rng.normal(0, 0.1 / fps, 60 * fps)
    made = sum(limit.take(float(at), 0.1) for at in times)
    assert made / 60 == pytest.approx(min(fps, 10), rel=0.03)
    assert sum(limit.take(3600 + number / fps, 0.1) for number in range(fps)) <= 11, (
        "an hour without a frame saves none up"
    )
