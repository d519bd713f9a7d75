"""Polygons: inside and outside, and those that are none."""

from __future__ import annotations

import pytest

from edge.config import CameraConfig
from edge.config.areas import area_of, is_inside

SQUARE = ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5))
ARROW = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 0.2))


def test_places_in_polygons() -> None:
    assert is_inside(SQUARE, 0.25, 0.25)
    assert not is_inside(SQUARE, 0.75, 0.25)
    assert is_inside(ARROW, 0.9, 0.5)
    assert not is_inside(ARROW, 0.4, 0.5)  # in its notch
    assert area_of(SQUARE) == 0.25
    assert area_of(SQUARE[::-1]) == 0.25


@pytest.mark.parametrize(
    "points", [[[0, 0], [1, 1]], [[0, 0], [0.5, 0.5], [1, 1]], [[0, 0], [2, 0], [1, 1]], [[0], [1], [0]]]
)
def test_what_is_no_polygon_is_refused(points: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="mask_polygons"):
        CameraConfig.model_validate({"name": "a", "source": "v4l2:0", "mask_polygons": [points]})


def test_a_schedule_is_read_when_the_settings_are() -> None:
    with pytest.raises(ValueError, match="no such entry"):
        CameraConfig(name="a", source="v4l2:0", schedule=("whenever",))


@pytest.mark.parametrize(
    "mask",
    [
        {"x": 0.1, "y": 0.1, "width": 0, "height": 1},
        {"x": 0.1, "y": 0.1, "width": 1, "height": 0},
        {"x": 1, "y": 0.1, "width": 0.5, "height": 1},
        {"x": 0, "y": 1, "width": 0.5, "height": 1},
    ],
)
def test_a_mask_that_covers_nothing_is_refused(mask: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="covers nothing"):
        CameraConfig.model_validate({"name": "a", "source": "v4l2:0", "masks": [mask]})
