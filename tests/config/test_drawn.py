"""Areas drawn on the page: a file of their own, added to the configuration's, never dropped without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import find_origins, load
from edge.config.areas import MIN_AREA, area_of
from edge.config.drawn import FILE, DrawnAreas, left_over, read, rounded, write
from edge.errors import ConfigError
from edge.ops.doctor.settings import contradictions
from edge.ops.effective import settings_in_force

TRIANGLE = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0))
OTHER = ((0.9, 0.9), (1.0, 0.9), (1.0, 1.0))
places = st.tuples(st.floats(0, 1), st.floats(0, 1))
polygons = st.lists(places, min_size=3, max_size=6).map(tuple).filter(lambda one: area_of(one) > 0.01)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edge.toml"
    path.write_text(
        f'data_dir = "{tmp_path}"\n[[camera]]\nname = "door"\nsource = "file:a.mp4"\n'
        "mask_polygons = [[[0.9, 0.9], [1.0, 0.9], [1.0, 1.0]]]\n[[camera]]\nname = 'yard'\nsource = 'file:b.mp4'\n",
        "utf-8",
    )
    return path


def test_what_was_drawn_is_added_to_what_the_file_says(tmp_path: Path, config: Path) -> None:
    write(tmp_path, {"door": DrawnAreas(mask_polygons=(TRIANGLE,)), "gone": DrawnAreas(exclude_zones=(TRIANGLE,))})
    door, yard = load(config, {}).camera
    assert door.mask_polygons == (OTHER, TRIANGLE)
    assert (door.include_zones, door.exclude_zones, yard.mask_polygons) == ((), (), ())
    (tmp_path / FILE).unlink()
    assert load(config, {}).camera[0].mask_polygons == (OTHER,)


def test_a_setting_says_that_it_was_drawn(tmp_path: Path, config: Path) -> None:
    write(tmp_path, {"door": DrawnAreas(mask_polygons=(TRIANGLE,), include_zones=(TRIANGLE,))})
    found = {one.key: one.origin for one in settings_in_force(load(config, {}), find_origins(config, {}))}
    assert found["camera[door].mask_polygons"] == f"file {config}, page {FILE}"
    assert found["camera[door].include_zones"] == f"page {FILE}"
    assert found["camera[door].exclude_zones"] == "default"
    assert found["camera[yard].mask_polygons"] == "default"


@pytest.mark.parametrize(
    "text",
    [
        "not toml",
        "[camera.door]\nmask_polygons = [[[0, 0], [1, 1]]]\n",
        "[camera.door]\nmasks = []\n",
        "camera = 3\n",
        "[camera]\ndoor = 3\n",
        "",
        " \n",
        "[camrea.door]\ninclude_zones = []\n",
    ],
)
def test_a_file_that_can_t_be_read_stops_the_start(tmp_path: Path, config: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=rf"{FILE}: zones and masks drawn on the page can't be read"):
        load(config, {})


def refuse(path: Path) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_file_of_another_user_stops_the_start_too(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"door": DrawnAreas(mask_polygons=(TRIANGLE,))})
    read_text = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, *args: refuse(path) if path.name == FILE else read_text(path, *args)
    )
    with pytest.raises(ConfigError, match=r"Permission denied.*give it to the user"):
        load(config, {})
    monkeypatch.setattr(Path, "exists", lambda path, **kwargs: refuse(path))
    assert read(tmp_path) == {}, "in a folder of another user nothing can be told, and the service fails by itself"


def test_a_renamed_camera_does_not_lose_its_masks_without_a_word(tmp_path: Path, config: Path) -> None:
    areas = DrawnAreas(mask_polygons=(TRIANGLE,))
    write(tmp_path, {"door": areas, "entrance": areas, "gone": DrawnAreas()})
    assert left_over(load(config, {})) == {"entrance": areas}
    (said,) = contradictions(load(config, {}))
    assert "'entrance'" in said.found
    write(tmp_path, {"door": areas})
    assert list(contradictions(load(config, {}))) == []


@given(st.lists(polygons, max_size=3).map(tuple), st.lists(polygons, max_size=3).map(tuple))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, masks: tuple, zones: tuple) -> None:
    folder = tmp_path_factory.mktemp("areas")
    areas = DrawnAreas(mask_polygons=masks, include_zones=zones)
    kept = DrawnAreas(mask_polygons=rounded(areas.mask_polygons), include_zones=rounded(areas.include_zones))
    write(folder, {"door": kept})
    assert read(folder)["door"] == kept
    assert read(folder)["door"].version == kept.version
    assert all(area_of(one) >= MIN_AREA for one in kept.mask_polygons)


def test_other_areas_have_another_version() -> None:
    versions = {
        DrawnAreas().version,
        DrawnAreas(mask_polygons=(TRIANGLE,)).version,
        DrawnAreas(include_zones=(TRIANGLE,)).version,
        DrawnAreas(mask_polygons=(OTHER,)).version,
    }
    assert len(versions) == 4
