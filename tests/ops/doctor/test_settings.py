"""What the doctor says of settings that are allowed one by one, and do harm."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from edge.config import CameraConfig, Config, DetectConfig, RecogniseConfig, SiteConfig, StatusConfig
from edge.ops.doctor.settings import check_statuses, contradictions


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


@pytest.mark.parametrize(
    ("system", "site", "schedule", "warns"),
    [
        ("UTC", "", ("daily 07:00-19:00",), True),
        ("UTC", "UTC", ("daily 07:00-19:00",), False),
        ("UTC", "Europe/Berlin", ("daily 07:00-19:00",), False),
        ("CET", "", ("daily 07:00-19:00",), False),
        ("UTC", "", (), False),
    ],
)
def test_hours_of_a_place_whose_time_zone_nobody_has_set_are_warned_of(
    system: str, site: str, schedule: tuple[str, ...], warns: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "tzname", (system, system))
    camera = CameraConfig(name="yard", source="file:none.mp4", schedule=schedule)
    found = list(contradictions(Config(site=SiteConfig(time_zone=site), camera=(camera,))))
    assert [one.name for one in found] == (["schedule"] if warns else [])
    assert all("yard" in one.found and "UTC" in one.found for one in found)


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Etc/GMT+2", ["Etc/GMT+2 is 2 h behind UTC all year, without summer time"]),
        ("Etc/GMT-10", ["Etc/GMT-10 is 10 h ahead of UTC all year, without summer time"]),
        ("Etc/GMT", []),
        ("Etc/GMT+0", []),
        ("Etc/UTC", []),
        ("Europe/Berlin", []),
    ],
)
def test_a_zone_whose_sign_is_not_what_it_seems_is_warned_of(zone: str, said: list[str]) -> None:
    assert [one.found for one in contradictions(Config(site=SiteConfig(time_zone=zone)))] == said


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (Config(recognise=RecogniseConfig(min_similarity=1)), "recognise.min_similarity 1: hardly anybody"),
        (Config(recognise=RecogniseConfig(min_margin=2)), "recognise.min_margin 2: hardly anybody"),
        (Config(recognise=RecogniseConfig(min_quality=100)), "recognise.min_quality 100: hardly anybody"),
        (Config(detect=DetectConfig(min_score=1)), "detect.min_score 1: hardly anybody"),
        (Config(data_dir=Path("data")), "data_dir 'data' is another folder"),
    ],
)
def test_values_that_leave_nobody_or_nothing_to_be_found_are_warned_of(config: Config, said: str) -> None:
    (found,) = contradictions(config)
    assert said in found.found
    assert found.fix


WHOLE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
LEFT = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


@pytest.mark.parametrize(
    ("camera", "said"),
    [
        ({"exclude_zones": [WHOLE]}, "leave no place of its picture"),
        ({"include_zones": [LEFT], "exclude_zones": [LEFT]}, "leave no place of its picture"),
        (
            {"include_zones": [LEFT], "masks": [{"x": 0, "y": 0, "width": 0.48, "height": 1}]},
            "leave 2.5% of its picture",
        ),
        ({"mask_polygons": [WHOLE]}, "leave no place of its picture"),
        ({"exclude_zones": [LEFT]}, ""),
        ({"include_zones": [LEFT], "masks": [{"x": 0.5, "y": 0, "width": 0.5, "height": 1}]}, ""),
    ],
)
def test_zones_and_masks_that_leave_next_to_nothing_are_warned_of(camera: dict[str, object], said: str) -> None:
    settings = CameraConfig.model_validate({"name": "door", "source": "v4l2:/dev/video0", **camera})
    found = [one.found for one in contradictions(Config(camera=(settings,)))]
    assert len(found) == bool(said)
    assert all(said in one and one.startswith("door: ") for one in found)


def test_a_status_in_another_case_is_on_the_list() -> None:
    config = Config(status={"Banned": StatusConfig(severity="urgent")})
    assert check_statuses(config, ["banned"]).status == "pass"
    assert check_statuses(config, ["missing"]).status == "warn"
