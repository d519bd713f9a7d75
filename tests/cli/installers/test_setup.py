"""`edge setup`: without questions, in a terminal, and never over a configuration without asking."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.cli.installers.setup import called
from tests.support.appliance import edge
from tests.support.terminal import EDGE, typed


def setup(folder: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    places = ("--config", folder / "edge.toml", "--data-dir", folder / "data")
    return edge("setup", "--yes", "--supervisor", "ann", *places, *more)


def test_it_writes_makes_the_supervisor_and_says_the_next_step(tmp_path: Path, demo_clip: Path) -> None:
    done = setup(tmp_path, "--camera", demo_clip, "--address", "127.0.0.1:8123")
    assert done.returncode == 0, done.stderr
    assert "The camera works: 640 x 480" in done.stdout
    assert "http://127.0.0.1:8123/login/link?token=" in done.stdout
    assert f"edge run --config {tmp_path}/edge.toml" in done.stdout
    assert f"edge user link ann --config {tmp_path}/edge.toml" in done.stdout, "else it would look elsewhere"
    assert "enrol somebody" in done.stdout
    users = edge("user", "list", "--json", "--config", tmp_path / "edge.toml").stdout
    assert json.loads(users) == [{"name": "ann", "role": "supervisor"}]
    text = (tmp_path / "edge.toml").read_text("utf-8")
    assert "loop = true" in text
    again = setup(tmp_path, "--camera", demo_clip, "--no-test")
    assert again.returncode == 78
    assert "--overwrite" in again.stderr
    assert (tmp_path / "edge.toml").read_text("utf-8") == text
    assert (
        "ann can log in as supervisor already"
        in setup(tmp_path, "--camera", "csi:0", "--no-test", "--overwrite").stdout
    )
    assert (tmp_path / "edge.toml.before").read_text("utf-8") == text


def test_a_camera_that_gives_nothing_leaves_nothing_behind(tmp_path: Path) -> None:
    refused = setup(tmp_path, "--camera", "rtsp://ann:secret@127.0.0.1:9/a")
    assert refused.returncode == 69
    assert "secret" not in refused.stderr
    assert refused.stderr.count("rtsp://127.0.0.1:9/a") == 1, "the address and its trouble are said once"
    assert "tried again" not in refused.stderr, "setup does not try again"
    assert not list(tmp_path.iterdir())


def test_a_recording_that_is_not_there_is_named_as_such(tmp_path: Path) -> None:
    refused = setup(tmp_path, "--camera", f"folder:{tmp_path}/none")
    assert refused.returncode == 69
    assert " ".join(refused.stderr.split()).startswith(f"Opening the camera ... edge: {tmp_path}/none: no such folder;")
    assert not list(tmp_path.iterdir())


def test_without_a_terminal_it_wants_yes(tmp_path: Path) -> None:
    refused = edge("setup", "--config", tmp_path / "edge.toml", stdin="")
    assert refused.returncode == 78
    assert "--yes" in refused.stderr


def test_a_page_for_other_machines_says_how_to_reach_it(tmp_path: Path) -> None:
    shown = setup(tmp_path, "--camera", "csi:0", "--no-test", "--address", "0.0.0.0:8123").stdout
    assert "https://" in shown
    assert "this machine's IP address" in shown
    assert "fingerprint" in shown
    assert "fingerprint" not in setup(tmp_path / "b", "--camera", "csi:0", "--no-test").stdout


def test_the_next_step_is_named_as_the_command_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [".venv/bin/edge", "setup"])
    assert called() == ".venv/bin/edge", "`edge` alone is not found"
    monkeypatch.setattr(sys, "argv", ["/lib/edge/__main__.py", "setup"])
    assert called() == "edge"
    (tmp_path / "edge").write_text("#!/bin/sh\n", "utf-8")
    (tmp_path / "edge").chmod(0o755)
    monkeypatch.setattr(sys, "argv", [".venv/bin/edge", "setup"])
    assert called() == "edge"


def test_in_a_terminal_it_asks(tmp_path: Path) -> None:
    """Defaults are taken, no password gives a link, and a second time it asks before it replaces."""
    command = [*EDGE, "setup", "--no-test", "--config", str(tmp_path / "edge.toml")]
    first = typed(command, ["v4l2:/dev/video7", "", f"{tmp_path}/data", "ann", ""])
    assert "/login/link?token=" in first
    text = (tmp_path / "edge.toml").read_text("utf-8")
    assert 'source = "v4l2:/dev/video7"' in text
    assert "port = 8080" in text
    assert "Nothing was changed." in typed(command, ["n"])
    assert (tmp_path / "edge.toml").read_text("utf-8") == text


def test_what_the_service_would_refuse_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    for more, told in (
        (("--camera", "foo"), "has no known scheme"),
        (("--camera", "csi:0", "--camera-name", "Front Door"), "lower case letters"),
        (("--camera", "csi:0", "--address", "http://0.0.0.0:8080"), "is no address"),
    ):
        refused = setup(tmp_path, "--no-test", *more)
        assert refused.returncode in (2, 78), refused.stdout
        assert told in refused.stderr
    assert not list(tmp_path.iterdir())
