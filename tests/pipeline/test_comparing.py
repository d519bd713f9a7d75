"""How often the pictures of a quiet camera are compared."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import Config
from edge.pipeline.attention import Attention, Step
from edge.pipeline.pace import Pace
from edge.pixels.scene.change import small_gray
from edge.records import Frame

LIVE = Pace.of(Config().detect)
FPS, SECONDS = 30, 5


def test_pictures_are_compared_no_more_often_than_searches_could_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []
    searches: list[int] = []
    number = 0

    def counted(image: NDArray[np.uint8], span: tuple[int, int]) -> NDArray[np.float32]:
        compared.append(number)
        return small_gray(image, span)

    monkeypatch.setattr("edge.pipeline.attention.small_gray", counted)
    attention, rng = Attention(LIVE), np.random.default_rng(0)
    for number in range(SECONDS * FPS):
        image = (100 + rng.integers(-2, 3, (90, 160, 3))).astype(np.uint8)
        frame = Frame(number, "door", dt.datetime(2026, 3, 1, tzinfo=dt.UTC), round(number / FPS * 1e9), image)
        if attention.choose(frame, ()) is Step.SEARCH:
            attention.note(frame, ())
            searches.append(number)
    after_first_s = SECONDS - 1
    assert sum(one > FPS for one in compared) <= 1.2 * LIVE.busy_fps * after_first_s
    assert sum(one > FPS for one in searches) >= 0.9 * LIVE.idle_fps * after_first_s, "the heartbeat goes on"
    assert set(searches[1:]) <= set(compared), "each search has a picture that the next frames are compared with"
