"""Where faces are recognised: in zones and beside polygon masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge.config import CameraConfig
from edge.pipeline.places import place_problem
from edge.records import Frame, Reason, Track, TrackState
from tests.support.web import START

LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
TOP = ((0.0, 0.0), (1.0, 0.0), (1.0, 0.5), (0.0, 0.5))


def problem(box: tuple[float, float, float, float], **settings: Any) -> Reason | None:
    frame = Frame(1, "a", START, 1, np.zeros((100, 200, 3), np.uint8))
    track = Track(1, TrackState.CONFIRMED, box, 0.9, np.zeros((5, 2), np.float32), 1, 1, 1, 0)
    return place_problem(frame, track, CameraConfig(name="a", source="v4l2:0", **settings))


@pytest.mark.parametrize(
    ("settings", "box", "reason"),
    [
        ({}, (150, 60, 170, 80), None),
        ({"include_zones": (LEFT,)}, (20, 60, 40, 80), None),
        ({"include_zones": (LEFT,)}, (150, 60, 170, 80), Reason.OUTSIDE_ZONES),
        ({"include_zones": (LEFT, TOP)}, (150, 10, 170, 30), None),
        ({"exclude_zones": (TOP,)}, (150, 10, 170, 30), Reason.OUTSIDE_ZONES),
        ({"exclude_zones": (TOP,), "include_zones": (LEFT,)}, (20, 10, 40, 30), Reason.OUTSIDE_ZONES),
        ({"mask_polygons": (LEFT,)}, (95, 10, 115, 30), Reason.MASKED),
        ({"mask_polygons": (LEFT,)}, (110, 10, 130, 30), None),
    ],
)
def test_where_a_face_counts(
    settings: dict[str, Any], box: tuple[float, float, float, float], reason: Reason | None
) -> None:
    assert problem(box, **settings) is reason


def test_a_camera_that_is_not_configured_has_no_places() -> None:
    frame = Frame(1, "a", START, 1, np.zeros((100, 200, 3), np.uint8))
    track = Track(1, TrackState.CONFIRMED, (0, 0, 9, 9), 0.9, np.zeros((5, 2), np.float32), 1, 1, 1, 0)
    assert place_problem(frame, track, None) is None
