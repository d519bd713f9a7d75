"""What the doctor says of settings that are allowed one by one, and do harm."""

from __future__ import annotations

import pytest

from edge.config import Config, DetectConfig
from edge.ops.doctor.settings import contradictions


@pytest.mark.parametrize(
    ("idle_fps", "busy_fps", "said"),
    [
        (2.0, 10.0, None),
        (0.0, 0.0, None),
        (0.0, 10.0, None),
        (2.0, 0.0, None),
        (0.5, 5.0, None),
        (0.01, 0.02, "may be missed"),
        (0.0, 0.1, "may be missed"),
        (2.0, 4.9, "may be missed"),
        (0.01, 10.0, "waits 100 s"),
        (0.1, 0.0, "waits 10 s"),
        (10.0, 2.0, "busy_fps 2 is below idle_fps 10"),
    ],
)
def test_rates_at_which_people_pass_unseen_are_warned_of(idle_fps: float, busy_fps: float, said: str | None) -> None:
    found = list(contradictions(Config(detect=DetectConfig(idle_fps=idle_fps, busy_fps=busy_fps))))
    assert [one.name for one in found] == ([] if said is None else ["detect rates"])
    assert said is None or said in found[0].found
    assert all(one.fix for one in found)
