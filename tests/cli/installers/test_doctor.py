"""`edge doctor` says what is wrong and how to mend it."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from edge.cli.installers import doctor as command
from edge.config import Config, find_origins
from edge.ops.doctor.check import passed, warned
from edge.ops.doctor.settings import check_settings
from tests.support.appliance import Appliance


def looked_at(box: Appliance) -> tuple[int, dict[str, Any]]:
    """Exit code, and every check by its name; a busy machine is looked at again until no check is cut."""
    while True:
        done = box.edge("doctor", "--json")
        checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
        if not any(check["found"].startswith(("not finished", "not begun")) for check in checks.values()):
            return done.returncode, checks


def test_doctor_says_what_is_wrong(tmp_path: Path, demo_clip: Path) -> None:
    code, checks = looked_at(Appliance(tmp_path, camera=demo_clip))
    assert code == 0, checks
    assert checks["camera door"]["status"] == "pass"
    assert checks["users"]["fix"].startswith("edge user add")
    code, checks = looked_at(Appliance(tmp_path, camera=tmp_path / "none.avi"))
    assert code == 1
    assert checks["camera door"]["status"] == "fail"
    assert all(check["fix"] for check in checks.values() if check["status"] != "pass")


def test_a_terminal_of_80_columns_gets_a_block_for_each_check(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(command, "out", Console(file=shown, width=80, soft_wrap=True, highlight=False))
    fix = "take off the lens cap, or give the place some light; " * 4
    command._print_blocks([warned("camera door", "640 x 480, 25 frames/s [dark] " * 5, fix), passed("users", "1: ann")])
    lines = shown.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert text.startswith("warn camera door 640 x 480, 25 frames/s [dark]")
    assert f"-> {fix.strip()}" in text
    assert text.endswith("pass users 1: ann")


def test_a_box_that_nobody_configured_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = find_origins(tmp_path / "none.toml", {})
    (check,) = check_settings(Config(), nothing)
    assert (check.status, "edge setup" in str(check.fix)) == ("fail", True)
    by_variables = find_origins(tmp_path / "none.toml", {"EDGE_DATA_DIR": str(tmp_path)})
    assert check_settings(Config(), by_variables)[0].status == "pass"
