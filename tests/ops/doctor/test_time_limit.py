"""Whatever hangs, the report comes: each check has its time, says when it was cut, and holds no other up."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from edge.ops import doctor
from edge.ops.doctor import disk, models
from edge.ops.doctor.check import Check, passed, warned
from edge.ops.doctor.time_limit import TimeLimit, process_age_s
from tests.support.doctor.cases import one
from tests.support.doctor.cases_people import only_foreign_references


def test_a_check_that_hangs_is_cut_and_keeps_what_it_found() -> None:
    never = threading.Event()

    def hangs() -> Iterator[Check]:
        yield passed("first", "well")
        never.wait(60)
        yield passed("second", "too late")

    limit = TimeLimit(60)
    found = limit.run("slow", hangs, longest_s=0.2)
    assert [(check.name, check.status) for check in found] == [("first", "pass"), ("slow", "warn")]
    assert found[1].found == "not finished after 0.2 s"
    assert limit.num_cut == 1
    assert limit.run("next", lambda: [passed("next", "well")]) == [passed("next", "well")]
    never.set()


def test_what_comes_after_the_end_is_not_begun() -> None:
    def never() -> Iterator[Check]:
        raise AssertionError("begun")

    (check,) = TimeLimit(0).run("late", never)
    assert (check.status, check.found) == ("warn", "not begun: the time was over before")
    assert "this part hangs" not in check.fix


def test_an_error_of_a_check_is_not_swallowed() -> None:
    def broken() -> Iterator[Check]:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        TimeLimit(60).run("broken", broken)


def test_a_report_with_a_hanging_check_is_whole_but_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hung = threading.Event()
    monkeypatch.setattr(disk, "check_disk", lambda *given: hung.wait(60))
    toml = tmp_path / "edge.toml"
    toml.write_text(f'data_dir = "{tmp_path}/data"\n[serve]\nport = 0\n', "utf-8")
    report = doctor.examine(toml, within_s=0.0)
    assert report.is_cut
    assert {check.name for check in report.checks if check.found.startswith("not begun")} >= {"disk", "people"}
    hung.set()


def test_models_that_take_long_hide_no_picture_of_another_embedder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an update that brings another embedder this is the line that says what to do, also on a slow board."""

    class CutsModels(TimeLimit):
        def run(self, name: str, job: Callable[[], Iterable[Check]], longest_s: float = 1.0) -> list[Check]:
            return [warned(name, "cut", "wait")] if name == "models" else list(job())

    only_foreign_references(tmp_path)
    monkeypatch.setattr(doctor, "TimeLimit", CutsModels)
    toml = tmp_path / "edge.toml"
    toml.write_text(f'data_dir = "{tmp_path}/data"\n[serve]\nport = 0\n', "utf-8")
    told = one(doctor.examine(toml).checks, "references")
    assert (told.status, told.fix) == ("fail", "edge watchlist reembed")
    monkeypatch.setattr(models, "embedder_in_use", lambda _: models.EmbedderInUse())
    told = one(doctor.examine(toml).checks, "references")
    assert (told.status, told.fix) == ("warn", "mend what is named under `models`, then run `edge doctor` again")


def test_a_slow_model_is_not_measured_longer_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []
    monkeypatch.setattr(models, "MEASURED_S", 0.0)
    assert models.measure(lambda: rounds.append(1)) >= 0.0
    assert len(rounds) == 1
    monkeypatch.setattr(models, "MEASURED_S", 3600.0)
    models.measure(lambda: rounds.append(1))
    assert len(rounds) == 1 + models.ROUNDS


def test_the_age_of_a_process_counts_its_start() -> None:
    script = "from edge.ops.doctor.time_limit import process_age_s; print(process_age_s() > 0)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "True\n"
    assert process_age_s(Path("/nowhere")) == 0.0
