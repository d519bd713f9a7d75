"""Privacy masks: pixels under them, and who may open a source at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.app.survey import find_camera, survey
from edge.capture.masks import paint_masks, visible_pixels
from edge.capture.pictures.images import read_image
from edge.config import CameraConfig, Config, MaskConfig
from edge.config.areas import Polygon, is_inside
from tests.support.media import encode, flat
from tests.support.paths import ROOT

CORNER: Polygon = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5))


def touched(points: Polygon, height: int, width: int) -> np.ndarray:
    """Pixels of which any of 5 x 5 places lies in the polygon, the slow way."""
    places = np.linspace(0.01, 0.99, 5)
    return np.array(
        [
            [any(is_inside(points, (x + dx) / width, (y + dy) / height) for dx in places for dy in places)
             for x in range(width)]
            for y in range(height)
        ]
    )  # fmt: skip


@pytest.mark.parametrize("size", [(40, 80), (33, 47), (64, 91)])
@pytest.mark.parametrize(
    "points", [CORNER, ((0.13, 0.22), (0.91, 0.37), (0.55, 0.99)), ((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0))]
)
def test_a_polygon_covers_every_pixel_that_it_touches_and_few_more(points: Polygon, size: tuple[int, int]) -> None:
    image = flat(200, *size)
    paint_masks(image, (), (points,))
    painted = np.asarray(image.max(axis=2) == 0)
    inside = touched(points, *size)
    assert painted[inside].all()
    # At most three pixels beyond the border.
    near = np.zeros_like(inside)
    for down in range(-3, 4):
        for across in range(-3, 4):
            near |= np.roll(np.pad(inside, 3), (down, across), (0, 1))[3:-3, 3:-3]
    assert not painted[~near].any()
    assert np.array_equal(visible_pixels((), *size, polygons=(points,)), ~painted)


def test_a_mask_whose_sides_cross_hides_its_middle_too() -> None:
    """A star drawn in one line: by the even-odd rule, its middle would be outside."""
    turns = np.arange(5) * 2 * 2 * np.pi / 5
    star: Polygon = tuple((0.5 + 0.4 * float(np.sin(turn)), 0.5 - 0.4 * float(np.cos(turn))) for turn in turns)
    assert not is_inside(star, 0.5, 0.5)
    for size in ((90, 120), (57, 40)):
        image = flat(200, *size)
        paint_masks(image, (), (star,))
        middle = image[size[0] // 2 - 2 : size[0] // 2 + 3, size[1] // 2 - 2 : size[1] // 2 + 3]
        assert not middle.any()
        assert image[0, 0].all()
        assert np.array_equal(visible_pixels((), *size, polygons=(star,)), image.max(axis=2) > 0)


def test_a_turned_picture_is_painted_too() -> None:
    image = np.rot90(flat(200, 60, 40))
    paint_masks(image, (), (CORNER,))
    assert not image[0, :20].any()
    assert image[-1, -1].all()


def test_rectangles_and_polygons_that_overlap_hide_both() -> None:
    image = flat(200, 20, 20)
    paint_masks(image, (MaskConfig(x=0, y=0, width=0.5, height=1),), (CORNER, CORNER, ((0.2, 0.0), (1, 0), (1, 0.3))))
    assert not image[:, :10].any()
    assert not image[1, 12:].any()


def test_only_what_paints_masks_opens_a_camera() -> None:
    """Whatever is stored or served comes from the ring of a capture process, or from `edge camera test`."""
    calls = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in (ROOT / "edge").rglob("*.py")
        if "open_source(" in path.read_text("utf-8")
    }
    assert calls.pop("edge/capture/sources.py")
    assert set(calls) == {"edge/capture/child.py", "edge/app/survey.py"}
    assert all("paint_masks(" in text for text in calls.values())


def test_the_still_of_a_configured_camera_is_masked(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(flat(200, 40, 80), ".png"))
    camera = CameraConfig(name="door", source=f"file:{tmp_path / 'a.png'}", mask_polygons=(CORNER,))
    survey(find_camera(Config(camera=(camera,)), "door"), 0.1, tmp_path / "still.png")
    still = read_image(tmp_path / "still.png")
    assert not still[0, :39].any()
    assert still[-1, -1].all()
