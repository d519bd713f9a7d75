"""Word to systemd, the clock, the thermometer, metrics and logs."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path

import pytest

from edge.app.service.logs import JsonFormatter
from edge.ops.doctor.machine import check_clock, check_temperature
from edge.ops.system.clock import clock_facts
from edge.ops.system.metrics import Metrics
from edge.ops.system.systemd import notify_systemd
from edge.records import Reason


def test_notify_reaches_the_service_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify_systemd("READY=1")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        assert notify_systemd("WATCHDOG=1")
        assert manager.recv(64) == b"WATCHDOG=1"
    path.unlink()
    assert not notify_systemd("READY=1")


def test_clock_facts_are_what_the_kernel_says() -> None:
    facts = clock_facts()
    assert set(facts) == {"synced", "error_bound_ms"}
    assert check_clock({"synced": None, "error_bound_ms": None}).fix
    assert check_clock({"synced": True, "error_bound_ms": 12.0}).status == "pass"


@pytest.mark.parametrize(("celsius", "status"), [(40, "pass"), (78, "warn"), (91, "fail")])
def test_temperature_is_judged_by_the_hottest_zone(tmp_path: Path, celsius: int, status: str) -> None:
    for number, degrees in enumerate((30, celsius)):
        zone = tmp_path / f"thermal_zone{number}"
        zone.mkdir()
        (zone / "temp").write_text(f"{degrees * 1000}\n", "ascii")
    (tmp_path / "thermal_zone9").mkdir()
    check = check_temperature(tmp_path)
    assert check.status == status
    assert (check.fix is None) == (status == "pass")


def test_metrics_name_each_outcome() -> None:
    metrics = Metrics()
    metrics.note_track_end("door", None)
    metrics.note_track_end("door", Reason.BLUR)
    text = metrics.render().decode()
    assert 'edge_tracks_total{camera="door",outcome="match"} 1.0' in text
    assert 'edge_tracks_total{camera="door",outcome="blur"} 1.0' in text


def test_logs_are_one_json_object_a_line() -> None:
    try:
        raise ValueError("line one\nline two")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("edge", logging.ERROR, __file__, 1, "it %s", ("broke",), info)
    text = JsonFormatter().format(record)
    assert "\n" not in text
    line = json.loads(text)
    assert line["message"] == "it broke"
    assert "line two" in line["traceback"]
