"""Polygons in the picture: privacy masks, and where faces are recognised. Fractions of the frame's width and height."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from edge.config.section import Unit

Point = tuple[Unit, Unit]
MIN_AREA = 1e-6
"""Least area of a polygon, as a share of the frame."""


def area_of(points: tuple[Point, ...]) -> float:
    """Area of a polygon, as a share of the frame."""
    around = zip(points, (*points[1:], points[0]), strict=True)
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in around)) / 2


def is_inside(points: tuple[Point, ...], x: float, y: float) -> bool:
    """Whether a place, in fractions of the frame, lies in the polygon; by the even-odd rule where its borders cross."""
    is_in = False
    for (x1, y1), (x2, y2) in zip(points, (*points[1:], points[0]), strict=True):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            is_in = not is_in
    return is_in


def _with_area(points: tuple[Point, ...]) -> tuple[Point, ...]:
    if area_of(points) < MIN_AREA:
        raise ValueError(
            "the points lie on one line, or the sides cross; give at least three corners around an area, in their order"
        )
    return points


Polygon = Annotated[tuple[Point, ...], Field(min_length=3, max_length=64), AfterValidator(_with_area)]
"""Corners in their order, such as [[0, 0], [0.3, 0], [0.2, 1]]."""
