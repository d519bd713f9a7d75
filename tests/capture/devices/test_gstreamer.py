"""CSI cameras: the command line as text, and the GStreamer process for real with pictures drawn by `videotestsrc`."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from edge.capture.camera import Camera
from edge.capture.devices import csi, gstreamer
from edge.capture.devices.gstreamer import GStreamerSource, command, environment, first_error
from edge.capture.sources import open_source
from edge.config import CameraConfig
from edge.errors import CameraError, ConfigError
from edge.records import CameraState
from tests.support.media import wait_until

BACK_WITHIN_S = 30.0
DRAWN = ["videotestsrc", "is-live=true", "pattern=ball", "!", "video/x-raw,framerate=25/1", "!", "videoconvert"]

needs_gstreamer = pytest.mark.skipif(
    shutil.which("gst-launch-1.0") is None,
    reason="needs gst-launch-1.0 (gstreamer1.0-tools, gstreamer1.0-plugins-base)",
)

STAND_IN = """#!/bin/bash
# A Jetson's two elements are drawn and converted instead; everything else is passed on as it came.
printf '%s\\n' "$@" >> {log}
arguments=()
for argument in "$@"; do
  case "$argument" in
    nvarguscamerasrc) arguments+=(videotestsrc is-live=true pattern=ball) ;;
    sensor-id=*) ;;
    nvvidconv) arguments+=(videoconvert ! videoscale) ;;
    *) arguments+=("${{argument/(memory:NVMM)/}}") ;;
  esac
done
echo "GST_ARGUS: Creating output stream"
exec {real} "${{arguments[@]}}"
"""


def test_the_command_line_of_a_csi_camera() -> None:
    elements = csi.csi_elements(1, 1280, 720, 29.97)
    assert command(elements, 1280, 720, 7) == [
        "setpriv",
        "--pdeathsig",
        "KILL",
        "gst-launch-1.0",
        "--quiet",
        "nvarguscamerasrc",
        "sensor-id=1",
        "!",
        "video/x-raw(memory:NVMM),format=NV12,width=1280,height=720,framerate=2997/100",
        "!",
        "nvvidconv",
        "!",
        "video/x-raw,format=BGRx,width=1280,height=720",
        "!",
        "queue",
        "max-size-buffers=1",
        "max-size-bytes=0",
        "max-size-time=0",
        "leaky=downstream",
        "!",
        "fdsink",
        "fd=7",
        "sync=false",
    ]
    assert "framerate=25/1" in csi.csi_elements(0, 640, 480, 25.0)[3]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('WARNING: erroneous pipeline: no element "nvarguscamerasrc"\n', "lacks nvarguscamerasrc; csi: is for NVIDIA"),
        ("Error generated. gstnvarguscamerasrc.cpp, execute:645 No cameras available\n", "ribbon cable"),
        (
            "gstnvarguscamerasrc.cpp, execute:656 Invalid camera device specified 3 specified, 0 max index",
            "this number",
        ),
        ("Error generated. gstnvarguscamerasrc.cpp, execute:568 Failed to create CaptureSession\n", "another program"),
        ("(Argus) Error FileOperationFailed: Connecting to nvargus-daemon failed: No such file", "/tmp/argus_socket"),
        ("Error: Frame Rate specified is greater than supported", "lower the camera's fps"),
    ],
)
def test_known_messages_say_what_to_do(text: str, word: str) -> None:
    found = csi.explain(f"GST_ARGUS: Creating output stream\n{text}")
    assert found is not None
    assert word in found
    assert "\n" not in found


def test_unknown_messages_are_quoted_shortly() -> None:
    assert csi.explain("ERROR: something new") is None
    assert first_error("Setting pipeline\nERROR: from element a: b.\nERROR: later") == "ERROR: from element a: b"
    assert first_error("all is well") == ""


def test_the_process_speaks_english_and_keeps_its_register_of_plugins() -> None:
    assert environment({"PATH": "/bin", "LC_ALL": "de_DE.UTF-8"}) == {
        "PATH": "/bin",
        "LC_ALL": "C",
        "GST_DEBUG_NO_COLOR": "1",
    }
    assert environment({"CACHE_DIRECTORY": "/var/cache/edge:/x"})["XDG_CACHE_HOME"] == "/var/cache/edge"


def test_a_number_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="write source as csi:0"), open_source(CameraConfig(name="a", source="csi:x")):
        pass


def test_what_is_missing_is_to_be_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CameraError, match=r"install gstreamer1\.0-tools"), csi.csi_source(0, 640, 480, 25):
        pass


@needs_gstreamer
def test_pictures_come_whole_in_their_colours_and_the_process_ends() -> None:
    elements = ["videotestsrc", "is-live=true", "pattern=blue", "!", "videoconvert"]
    with GStreamerSource("csi:0", elements, (322, 240), 25) as source:
        frames = source.frames()
        images = [next(frames).image for _ in range(5)]
        assert source._process is not None
        pid = source._process.pid
    assert all(image.shape == (240, 322, 3) for image in images)
    assert all((image == (255, 0, 0)).all() for image in images), "blue comes first, in every row"
    assert not Path(f"/proc/{pid}").exists()


@needs_gstreamer
@pytest.mark.parametrize(
    ("elements", "word"),
    [
        (["videotestsrc", "num-buffers=3", "!", "videoconvert"], "GStreamer ended; check"),
        (["nvarguscamerasrc"], "csi: is for NVIDIA Jetson"),
        (["filesrc", "location=/nothing/here", "!", "videoconvert"], "ERROR: from element"),
        (["fakesrc", "is-live=true", "sizetype=fixed", "sizemax=100", "num-buffers=50", "!", "identity"], "csi:0"),
    ],
)
def test_a_process_that_ends_says_why(elements: list[str], word: str) -> None:
    with (
        pytest.raises(CameraError, match=word) as caught,
        GStreamerSource("csi:0", elements, (320, 240), 25, csi.explain) as source,
    ):
        for _ in source.frames():
            pass
    assert "\n" not in str(caught.value)


@needs_gstreamer
def test_a_process_that_falls_silent_is_given_up_and_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gstreamer, "READ_TIMEOUT_S", 0.3)
    with GStreamerSource("csi:0", DRAWN, (320, 240), 25) as source:
        frames = source.frames()
        next(frames)
        assert source._process is not None
        pid = source._process.pid
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(CameraError, match="no picture came for"):
            for _ in frames:
                pass
    assert not Path(f"/proc/{pid}").exists()


@needs_gstreamer
def test_a_slow_reader_gets_the_newest_picture_not_a_backlog() -> None:
    """The ball moves with the clock: what was drawn during a pause is thrown away but for a picture or two."""
    elements = [
        "videotestsrc",
        "is-live=true",
        "num-buffers=60",
        "!",
        "video/x-raw,framerate=25/1",
        "!",
        "videoconvert",
    ]
    with GStreamerSource("csi:0", elements, (640, 480), 25) as source:
        frames = source.frames()
        next(frames)
        time.sleep(2.0)
        rest = []
        with pytest.raises(CameraError):
            rest.extend(0 for _ in frames)
    assert len(rest) < 40, "of 59 pictures those of the two seconds were dropped"


@pytest.fixture
def jetson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A box whose `gst-launch-1.0` draws what a CSI camera would see; gives the log of its arguments."""
    real = shutil.which("gst-launch-1.0")
    log = tmp_path / "arguments"
    stand_in = tmp_path / "gst-launch-1.0"
    stand_in.write_text(STAND_IN.format(log=log, real=real))
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return log


def gst_of(camera: Camera) -> int:
    """Process id of the GStreamer process under the capture process."""
    children = Path(f"/proc/{camera.child_pid}/task/{camera.child_pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


@needs_gstreamer
def test_a_csi_camera_as_the_service_sees_it_dies_hangs_and_comes_back(jetson: Path) -> None:
    config = CameraConfig(name="door", source="csi:0", width=320, height=240, stall_after_s=4.0)
    with Camera(config) as camera:
        frame = camera.newest(BACK_WITHIN_S)
        assert frame is not None, camera.health()
        assert frame.image.shape == (240, 320, 3)
        assert 0 <= time.monotonic_ns() - frame.captured_mono_ns < 2e9

        def is_live() -> bool:
            camera.newest(0.02)
            return camera.health().state == CameraState.LIVE

        wait_until(is_live, BACK_WITHIN_S)
        first = gst_of(camera)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: camera.health().state == CameraState.LOST, BACK_WITHIN_S)
        assert "GStreamer ended" in camera.health().detail
        wait_until(is_live, BACK_WITHIN_S)
        assert camera.health().restarts == 0, "the capture process itself started a new one"

        second = gst_of(camera)
        os.kill(second, signal.SIGSTOP)
        wait_until(lambda: camera.health().state != CameraState.LIVE, BACK_WITHIN_S)
        wait_until(is_live, BACK_WITHIN_S)
        assert not Path(f"/proc/{second}").exists()

        third = gst_of(camera)
        os.kill(third, signal.SIGSTOP)
        assert camera.child_pid is not None
        os.kill(camera.child_pid, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{third}").exists(), BACK_WITHIN_S)
        wait_until(is_live, BACK_WITHIN_S)
        last = gst_of(camera)
    wait_until(lambda: not Path(f"/proc/{last}").exists(), BACK_WITHIN_S)
    assert jetson.read_text().count("nvarguscamerasrc") >= 4
