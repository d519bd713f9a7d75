"""The checks of the box, one by one: limits, and that a value at a limit is not told again and again."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from pathlib import Path

import pytest

from edge.app.health import checks
from edge.app.health.checks import ClockCheck, FrameCount, LoadCheck
from edge.app.packs.model_files import ModelFiles
from edge.ops.system import sensors
from edge.store import Consumer
from tests.support.paths import ROOT

MB = 1_000_000
PACK = ROOT / "models" / "quantized"


@pytest.mark.parametrize(
    ("free", "former", "is_full", "expected"),
    [
        (500 * MB, "ok", False, "ok"),
        (199 * MB, "ok", False, "low"),
        (205 * MB, "ok", False, "ok"),
        (205 * MB, "low", False, "low"),
        (225 * MB, "low", False, "ok"),
        (9 * MB, "low", False, "full"),
        (15 * MB, "full", False, "full"),
        (25 * MB, "full", False, "low"),
        (500 * MB, "ok", True, "full"),
    ],
)
def test_a_disk_is_low_then_full_and_recovers_later(free: int, former: str, is_full: bool, expected: str) -> None:
    assert checks.disk(free, 200 * MB, former, is_full=is_full)[0] == expected


def test_a_disk_on_which_nothing_is_to_stay_free_is_never_low() -> None:
    assert [checks.disk(free, 0, "ok")[0] for free in (50 * MB, 11 * MB, 5 * MB)] == ["ok", "ok", "full"]


@pytest.mark.parametrize(
    ("degrees", "slow", "former", "expected"),
    [
        (79.0, None, "ok", "ok"),
        (80.0, None, "ok", "hot"),
        (76.0, None, "hot", "hot"),
        (74.0, None, "hot", "ok"),
        (None, None, "ok", "ok"),
        (None, "too little voltage", "ok", "throttled"),
        (50.0, "throttled", "hot", "throttled"),
    ],
)
def test_heat_is_told_by_degrees_and_by_throttling_and_ends_later(
    degrees: float | None, slow: str | None, former: str, expected: str
) -> None:
    assert checks.heat(degrees, slow, former)[0] == expected


def test_a_clock_that_drifts_by_less_than_a_step_was_not_set() -> None:
    clock = ClockCheck(1000.0, 0.0)
    for second in range(1, 100):
        assert clock.check(1000.0 + second * 1.01, float(second), True) == ("ok", "the clock is right again", 0.0)
    state, said, step_s = clock.check(5000.0, 100.0, False)
    assert (state, said) == ("stepped", f"the clock was set {step_s:.0f} s forward")


def test_load_needs_some_seconds_and_a_camera_that_gives_frames() -> None:
    load = LoadCheck()
    assert [load.check(FrameCount(float(s), s, s * 20), 1, "ok") for s in range(8)] == [None] * 8
    assert load.check(FrameCount(9.0, 9, 180), 1, "ok") == (
        "overloaded",
        "1.0 frames/s are processed, 20.0 are dropped",
    )
    assert load.check(FrameCount(10.0, 10, 200), 0, "ok") == ("ok", "1.0 frames/s are processed"), "no camera is live"
    slow = LoadCheck()
    for second in range(12):
        found = slow.check(FrameCount(float(second), second, 0), 1, "ok")
    assert found == ("ok", "1.0 frames/s are processed"), "a slow camera of which nothing is shed"
    shed = LoadCheck()
    for second in range(12):
        found = shed.check(FrameCount(float(second), second, int(second > 5)), 1, "ok")
    assert found is not None
    assert found[0] == "ok", "one frame of ten, of a camera that sends one a second"
    two = LoadCheck()
    for second in range(12):
        found = two.check(FrameCount(float(second), second * 8, second), 2, "ok")
    assert found is not None
    assert found[0] == "behind", "8 frames/s are few for two cameras"


def test_a_load_that_comes_and_goes_is_one_state() -> None:
    load, state, done, dropped, said = LoadCheck(), "ok", 0, 0, []
    for second in range(300):
        done += 1 if second % 20 < 12 and second < 200 else 8
        dropped += 10
        if (found := load.check(FrameCount(float(second), done, dropped), 1, state)) is not None:
            said += [found[0]] if found[0] != state else []
            state = found[0]
    assert said == ["overloaded", "ok"]


def test_a_pack_is_looked_at_while_it_is_in_use(tmp_path: Path) -> None:
    pack = tmp_path / "models"
    shutil.copytree(PACK, pack)
    entries = json.loads((pack / "manifest.json").read_text("utf-8"))["models"]
    promised = {entry["file"]: entry["sha256"] for entry in entries}
    files = ModelFiles(pack, promised)
    assert files.look()[0] == "ok"
    victim = pack / entries[0]["file"]
    whole = victim.read_bytes()
    victim.unlink()
    state, said = files.look()
    assert (state, entries[0]["file"] in said, "restore it" in said) == ("missing", True, True)
    victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert files.look()[0] == "altered"
    assert files.look()[0] == "altered", "also when it is not touched again"
    victim.write_bytes(whole)
    assert files.look()[0] == "ok"


def test_another_pack_in_its_place_is_no_fault(tmp_path: Path) -> None:
    pack = tmp_path / "models"
    shutil.copytree(PACK, pack)
    old = pack / "old.onnx"
    old.write_bytes(b"old")
    files = ModelFiles(pack, {"old.onnx": hashlib.sha256(b"old").hexdigest()})
    old.unlink()
    assert files.look()[0] == "ok"
    (pack / "manifest.json").unlink()
    assert files.look()[0] == "missing"


def test_what_slows_a_board_down_is_read_from_its_files(tmp_path: Path) -> None:
    none = tmp_path / "none"
    assert sensors.throttled(none, none) is None
    raspberry = tmp_path / "get_throttled"
    for text, said in (("0", None), ("50005", "too little voltage, throttled"), ("50000", None), ("x", None)):
        raspberry.write_text(text + "\n")
        assert sensors.throttled(none, raspberry) == said
    zones = tmp_path / "thermal"
    for name, kind, state in (("0", "pwm-fan", "3"), ("1", "cpufreq-cpu0", "0"), ("2", "Processor", "2")):
        device = zones / f"cooling_device{name}"
        device.mkdir(parents=True)
        (device / "type").write_text(kind + "\n")
        (device / "cur_state").write_text(state + "\n")
    assert sensors.throttled(zones, none) == "Processor slowed down"
    (zones / "cooling_device2" / "cur_state").write_text("0\n")
    assert sensors.throttled(zones, none) is None


def test_a_central_server_that_pulls_no_more_is_missed() -> None:
    start = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)

    def state(minutes: float, *pulled_at: float | None, warn: float = 60) -> str:
        known = [
            Consumer(f"c{number}", 1, 0, None if at is None else start + dt.timedelta(minutes=at))
            for number, at in enumerate(pulled_at)
        ]
        return checks.consumers(known, start, start + dt.timedelta(minutes=minutes), warn)[0]

    assert state(600) == checks.OK, "nobody may pull, so nobody is missed"
    assert state(59, None) == checks.OK, "a start gives them time"
    assert state(61, None) == "silent"
    assert state(120, 70, None) == checks.OK, "one that pulls is enough"
    assert state(140, 70, 20) == "silent"
    assert state(600, None, warn=0) == checks.OK
    said = checks.consumers([Consumer("c", 0, 9, None)], start, start + dt.timedelta(hours=2), 60)[1]
    assert said == "no central server has pulled for more than 60 minutes: none has ever pulled"


def test_answers_that_were_left_out_are_told_for_some_minutes() -> None:
    check = checks.AnswersCheck()
    assert check.check(0, 0.0)[0] == "ok"
    assert check.check(3, 10.0) == ("wrong", checks.left_out(3))
    assert check.check(3, 10.0 + checks.SHOW_ANSWERS_FOR_S - 1)[0] == "wrong"
    assert check.check(3, 10.0 + checks.SHOW_ANSWERS_FOR_S)[0] == "ok"
    assert check.check(4, 5000.0)[0] == "wrong"
