"""Runs inside the emulator: the product's own camera on V4L2, with the kernel's virtual camera as the device.

Prints what was seen, step by step, as lines of JSON; `test_v4l2.py` judges them. An emulated processor is slow, so
limits are wide here.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge.capture import health
from edge.capture.camera import Camera
from edge.capture.devices.access import explain_device, video_devices
from edge.capture.devices.v4l2 import V4l2Source
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import CameraState

WITHIN_S = 900.0
DEVICE = Path("/dev/video0")
DRIVER = Path("/sys/bus/platform/drivers/vivid")
_PICTURES, _OUTPUT, _METADATA = 0x1, 0x100, 0x20000

health._STARTING_LIMIT_S = health._OPENING_LIMIT_S = 600.0


def say(step: str, **found: object) -> None:
    print(json.dumps({"step": step, **found}), flush=True)


def say_health(step: str, camera: Camera) -> None:
    now = camera.health()
    say(step, state=now.state, detail=now.detail, frames=now.frames, restarts=now.restarts, pid=camera.child_pid)


def wait(camera: Camera, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN_S
    while not is_so():
        camera.newest(0.1)
        if time.monotonic() > end:
            if camera.child_pid is not None:
                os.kill(camera.child_pid, signal.SIGABRT)  # it says where it hangs
                time.sleep(5.0)
            raise TimeoutError(f"{camera.health()}")


def wait_for_frames(camera: Camera, count: int) -> None:
    before = camera.health().frames
    wait(camera, lambda: camera.health().state == CameraState.LIVE and camera.health().frames >= before + count)


def unplug_and_replug() -> None:
    """Twice, as a loose plug does."""
    config = CameraConfig(name="door", source=f"v4l2:{DEVICE}", width=320, height=180, fps=10, stall_after_s=120.0)
    with Camera(config) as camera:
        wait_for_frames(camera, 3)
        frame = camera.newest(WITHIN_S)
        assert frame is not None
        say_health("plugged in", camera)
        say("frame", shape=frame.image.shape, spread=int(frame.image.max()) - int(frame.image.min()))
        for time_number in (1, 2):
            start = time.monotonic()
            (DRIVER / "unbind").write_text("vivid.0")
            wait(camera, lambda: camera.health().state in (CameraState.LOST, CameraState.STALLED))
            wait(camera, lambda: "no such camera device" in camera.health().detail)
            say_health(f"unplugged {time_number}", camera)
            say(f"unplugged {time_number}: time", after_s=time.monotonic() - start)
            (DRIVER / "bind").write_text("vivid.0")
            start = time.monotonic()
            wait_for_frames(camera, 5)
            say(f"replugged {time_number}: time", after_s=time.monotonic() - start)
            say_health(f"replugged {time_number}", camera)


def busy() -> None:
    """A device whose stream another program has."""
    script = (
        "import sys\nfrom edge.capture.devices.v4l2 import V4l2Source\n"
        "with V4l2Source('0', 320, 180, 10) as source:\n    next(source.frames())\n"
        "    print('streams', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "streams\n"
        say("busy", pid=other.pid, detail=try_to_read())
        other.stdin.close()


def try_to_read(path: Path = DEVICE) -> str:
    """What the adapter says of the device."""
    try:
        with V4l2Source(str(path), 320, 180, 10) as source:
            next(source.frames())
            return "a frame"
    except CameraError as error:
        return str(error)


def refused() -> None:
    """As a user of no group, in a process of its own."""
    if (child := os.fork()) == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        say("refused", detail=try_to_read())
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)


def main() -> None:
    # No udev here, so what its rules do is done by hand.
    settings = ("n_devs=1", "num_inputs=1", "input_types=0", f"node_types={_PICTURES | _OUTPUT | _METADATA:#x}")
    subprocess.run(["modprobe", "vivid", *settings], check=True)
    nodes = sorted(Path("/dev").glob("video*"))
    for path in nodes:
        path.chmod(0o660)
        shutil.chown(path, "root", "video")
    say("devices", nodes=[str(path) for path in nodes])
    say("cameras", found=[[str(device.path), device.name] for device in video_devices()])
    say("explained", details=[explain_device(path) for path in nodes])
    say("not for pictures", details=[try_to_read(path) for path in nodes[1:]])
    refused()
    unplug_and_replug()
    busy()
    say("done")


if __name__ == "__main__":
    main()
