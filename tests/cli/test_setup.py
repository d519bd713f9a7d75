"""`edge setup`: without questions, in a terminal, and never over a configuration without asking."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

from tests.support.appliance import clean_env, edge


def setup(folder: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    places = ("--config", folder / "edge.toml", "--data-dir", folder / "data")
    return edge("setup", "--yes", "--supervisor", "ann", *places, *more)


def test_it_writes_makes_the_supervisor_and_says_the_next_step(tmp_path: Path, demo_clip: Path) -> None:
    done = setup(tmp_path, "--camera", demo_clip, "--address", "127.0.0.1:8123")
    assert done.returncode == 0, done.stderr
    assert "The camera works: 640 x 480" in done.stdout
    assert "http://127.0.0.1:8123/login/link?token=" in done.stdout
    assert f"edge run --config {tmp_path}/edge.toml" in done.stdout
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
    assert not list(tmp_path.iterdir())


def test_without_a_terminal_it_wants_yes(tmp_path: Path) -> None:
    refused = edge("setup", "--config", tmp_path / "edge.toml", stdin="")
    assert refused.returncode == 78
    assert "--yes" in refused.stderr


def test_in_a_terminal_it_asks(tmp_path: Path) -> None:
    """Defaults are taken, no password gives a link, and a second time it asks before it replaces."""
    command = [*(sys.executable, "-m", "edge", "setup", "--no-test", "--config"), str(tmp_path / "edge.toml")]
    first = answer(command, ["v4l2:/dev/video7", "", f"{tmp_path}/data", "ann", ""])
    assert "/login/link?token=" in first
    text = (tmp_path / "edge.toml").read_text("utf-8")
    assert 'source = "v4l2:/dev/video7"' in text
    assert "port = 8080" in text
    assert "Nothing was changed." in answer(command, ["n"])
    assert (tmp_path / "edge.toml").read_text("utf-8") == text


def answer(command: list[str], lines: list[str]) -> str:
    """What a command prints in a terminal in which each line is typed once it asks for it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=clean_env(), start_new_session=True
    )
    os.close(theirs)
    told, left = b"", list(lines)
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        told += part
        if left and told.endswith(b": "):
            os.write(ours, f"{left.pop(0)}\n".encode())
    os.close(ours)
    assert process.wait(120) == 0, told.decode()
    assert not left, told.decode()
    return told.decode()
