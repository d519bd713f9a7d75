"""Why a device file can't be used, told from real files: missing, no camera, refused, held by another program."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.capture.devices import access
from edge.capture.devices.access import explain_device, processes_holding, video_devices
from edge.capture.sources import open_source
from edge.config import CameraConfig
from edge.errors import CameraError


def answers(monkeypatch: pytest.MonkeyPatch, **devices: tuple[str, bool, int]) -> None:
    """Let devices answer by their file's name, as only a real driver could."""
    monkeypatch.setattr(access, "_query_capabilities", lambda path: devices.get(path.name, ("", False, 0)))


def test_a_missing_device_names_the_cameras_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert explain_device(tmp_path / "video9", tmp_path) == "no such camera device; plug it in"
    for name in ("video0", "video1", "video10", "video2"):
        (tmp_path / name).touch()
    (tmp_path / "v4l/by-id").mkdir(parents=True)
    (tmp_path / "v4l/by-id/usb-HD_Webcam-video-index0").symlink_to(tmp_path / "video2")
    answers(monkeypatch, video0=("Tuner", True, 0), video2=("HD Webcam", True, 0), video10=("", False, errno.EACCES))
    assert [(device.path.name, device.name) for device in video_devices(tmp_path)] == [
        ("video0", "Tuner"),
        ("usb-HD_Webcam-video-index0", "HD Webcam"),
    ]
    found = explain_device(tmp_path / "video9", tmp_path)
    assert found is not None
    assert "usb-HD_Webcam-video-index0 (HD Webcam)" in found


def test_a_file_that_is_no_camera(tmp_path: Path) -> None:
    (tmp_path / "video0").touch()
    assert "is not a camera device" in str(explain_device(tmp_path / "video0", tmp_path))
    assert "no camera, or another part of one" in str(explain_device(Path("/dev/full"), tmp_path))


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (errno.EACCES, "usermod -aG|chgrp video"),
        (errno.EPERM, "DeviceAllow=/dev/full"),
        (errno.ENODEV, "is gone; plug it in again"),
        (errno.EBUSY, "is used by another program; stop"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_every_refusal_says_what_to_do(code: int, word: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answers(monkeypatch, full=("", False, code))
    monkeypatch.setattr(access, "processes_holding", lambda path: [])
    with pytest.raises(CameraError, match=word):
        raise CameraError(f"/dev/full: {explain_device(Path('/dev/full'), tmp_path)}")


@pytest.fixture
def guarded() -> Iterator[Path]:
    """A device file of group video in a folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "video0")
        try:
            os.mknod(path, 0o660 | stat.S_IFCHR, os.makedev(1, 7))
            shutil.chown(path, "root", "video")
            path.open("rb").close()
        except OSError as error:
            pytest.skip(f"needs the right to make a device file: {error.strerror}")
        yield path


def test_a_user_outside_the_devices_group_is_told_the_group(guarded: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom edge.capture.devices import access\n"
        "os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        "print(access.explain_device(Path(sys.argv[1])))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(guarded)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("user nobody may not open it; sudo usermod -aG video nobody, then")


def test_the_program_that_holds_a_device_is_named() -> None:
    script = "import sys\nfile = open('/dev/ptmx', 'rb')\nprint(flush=True)\nsys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        assert any(line.endswith(f"process {other.pid}") for line in processes_holding(Path("/dev/ptmx")))
        other.stdin.close()
    assert not any(line.endswith(f"process {other.pid}") for line in processes_holding(Path("/dev/ptmx")))
    assert processes_holding(Path("/dev/nothing")) == []


def test_the_adapter_says_it(tmp_path: Path) -> None:
    with (
        pytest.raises(CameraError, match="no such camera device; plug it in"),
        open_source(CameraConfig(name="door", source=f"v4l2:{tmp_path}/video0")),
    ):
        pass
    with (
        pytest.raises(CameraError, match="/dev/full: gives no pictures"),
        open_source(CameraConfig(name="door", source="v4l2:/dev/full")),
    ):
        pass
