"""`edge probe --soak`: the rate of each minute with its temperature, kept in a file of its own, told by the doctor."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edge.app.build import load_models
from edge.app.packs.soak import NUM_FACES, frame_work, soak
from edge.config import Config, RuntimeConfig
from edge.errors import ConfigError
from edge.ops.doctor.machine import check_soak
from edge.ops.packs.choice import platform_facts
from edge.ops.packs.soak import FILE, Soak, read_soak, write_soak
from edge.ops.system import sensors


class Board:
    """A machine that gets warmer with its work, and slower once it is hot."""

    def __init__(self, *, hot_after_s: float = 1e9, has_sensor: bool = True) -> None:
        self.now_s = 1000.0
        self.hot_after_s = hot_after_s
        self.has_sensor = has_sensor
        self.frames = 0

    def work(self) -> None:
        self.frames += 1
        self.now_s += 0.1 if self.is_hot else 0.05

    @property
    def is_hot(self) -> bool:
        return self.now_s - 1000 > self.hot_after_s

    def soak(self, minutes: float, tell: Any = None) -> Soak:
        models: Any = SimpleNamespace(hashes={"detect": "a", "embed": "b"})
        return soak(
            models,
            minutes,
            tell,
            work=self.work,
            clock=lambda: self.now_s,
            temperature_c=lambda: (40.0 + (self.now_s - 1000) / 10) if self.has_sensor else None,
            throttled=lambda: "throttled" if self.is_hot else None,
        )


def test_each_minute_has_its_rate_and_temperature() -> None:
    told: list[tuple[str, int, int]] = []
    found = Board().soak(3.5, lambda *given: told.append(given))
    assert [round(one.at_s) for one in found.minutes] == [60, 120, 180, 210]
    assert [one.rate for one in found.minutes] == pytest.approx([20.0] * 4, rel=0.02)
    assert [round(one.temperature_c or 0) for one in found.minutes] == [46, 52, 58, 61]
    assert not found.has_slowed_down
    assert told[-1] == ("soak", 4, 4)
    assert found.platform == platform_facts()


def test_a_machine_that_slows_down_is_said_to() -> None:
    board = Board(hot_after_s=150)
    found = board.soak(5)
    assert found.first_rate == pytest.approx(20, rel=0.02)
    assert found.last_rate == pytest.approx(10, rel=0.02)
    assert found.has_slowed_down
    assert found.told() == (
        "10.0 frames/s after 5 min at up to 70 degrees Celsius; 20.0 in the first minute; the board said: throttled"
    )


def test_a_board_without_a_sensor_says_so() -> None:
    found = Board(has_sensor=False).soak(1)
    assert found.hottest_c is None
    assert "temperature unknown" in found.told()


def test_thermal_zones_are_read(tmp_path: Path) -> None:
    for number, text in enumerate(("47123", "61000", "no number")):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(text)
    models: Any = SimpleNamespace(hashes={})
    found = soak(models, 0.0, work=lambda: None, temperature_c=lambda: sensors.temperature_c(tmp_path))
    assert [one.temperature_c for one in found.minutes] == [61.0]


def test_it_is_kept_and_a_damaged_file_is_named(tmp_path: Path) -> None:
    assert read_soak(tmp_path) is None
    found = Board().soak(2)
    write_soak(tmp_path / "data", found)
    assert read_soak(tmp_path / "data") == found
    for damaged in ("{}", found.model_dump_json().replace("minutes", "hours"), "x"):
        (tmp_path / FILE).write_text(damaged)
        with pytest.raises(ConfigError, match=r"soak\.json: damaged .* run `edge probe --soak"):
            read_soak(tmp_path)
    (tmp_path / FILE).write_text(found.model_copy(update={"minutes": ()}).model_dump_json())
    with pytest.raises(ConfigError, match="no minute"):
        read_soak(tmp_path)


def test_the_doctor_tells_it(tmp_path: Path) -> None:
    facts = platform_facts()
    assert check_soak(tmp_path, facts).status == "pass"
    assert "not measured" in check_soak(tmp_path, facts).found
    write_soak(tmp_path, Board().soak(2))
    check = check_soak(tmp_path, facts)
    assert (check.status, "20.0 frames/s after 2 min" in check.found) == ("pass", True)
    check = check_soak(tmp_path, facts | {"driver": "another"})
    assert check.status == "warn"
    assert "measured before driver changed" in check.found
    write_soak(tmp_path, Board(hot_after_s=60).soak(5))
    check = check_soak(tmp_path, facts)
    assert check.status == "warn"
    assert "heat sink" in str(check.fix)
    (tmp_path / FILE).write_text("{}")
    assert check_soak(tmp_path, facts).status == "warn"


def test_the_work_is_that_of_a_frame_with_four_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    models = load_models(Config(runtime=RuntimeConfig(threads=1)))
    done: list[tuple[int, ...]] = []
    kind = type(models.stages.embedder)
    embed = kind.embed
    monkeypatch.setattr(kind, "embed", lambda self, faces: (done.append(faces.shape), embed(self, faces))[1])
    frame_work(models)()
    assert done == [(NUM_FACES, 112, 112, 3)]
    found = soak(models, 0.0)
    assert len(found.minutes) == 1
    assert found.minutes[0].rate > 0
    assert set(found.models) == {"detect", "embed"}
