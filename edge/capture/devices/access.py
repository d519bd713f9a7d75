"""Finds out why a camera's device file can't be opened, and what to do about it.

Devices are asked for their name and kind only; no picture is taken here. The folders of devices and of processes are
arguments, so that tests can pass their own.
"""

from __future__ import annotations

import errno
import fcntl
import grp
import os
import pwd
import struct
from dataclasses import dataclass
from pathlib import Path

_QUERYCAP = 0x80685600
_CAPABILITIES = struct.Struct("16s32s32sIII12x")
_HAS_DEVICE_CAPS, _CAN_CAPTURE = 0x80000000, 0x00000001 | 0x00001000


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """A device that gives pictures. `path` is its stable name where it has one, as a replugged camera keeps it."""

    path: Path
    name: str


def video_devices(dev: Path = Path("/dev")) -> list[VideoDevice]:
    """Cameras of this device that this user may open, without the second, pictureless device of a USB camera."""
    stable = {link.resolve(): link for link in sorted(dev.glob("v4l/by-id/*"), reverse=True)}
    found = []
    for path in sorted(dev.glob("video*"), key=lambda path: (len(path.name), path.name)):
        card, can_capture, _ = _query_capabilities(path)
        if can_capture:
            found.append(VideoDevice(stable.get(path.resolve(), path), card))
    return found


def explain_device(path: Path, dev: Path = Path("/dev")) -> str | None:
    """Why the camera device at `path` can't be used and what to do, as the end of a sentence; None where it can."""
    if not path.exists():
        return f"no such camera device; plug it in{_others(dev)}"
    if not path.is_char_device():
        return f"is not a camera device; write source = 'v4l2:/dev/video0'{_others(dev)}"
    _, can_capture, code = _query_capabilities(path)
    if code in (errno.EACCES, errno.EPERM):
        return _explain_refusal(path, code)
    if code in (errno.ENODEV, errno.ENXIO, errno.ENOENT):
        return "the camera behind it is gone; plug it in again, and check its cable"
    if code == 0 and not can_capture:  # first: who holds what is no camera is none of our business
        return f"gives no pictures; it is no camera, or another part of one{_others(dev)}"
    users = processes_holding(path)
    if users or code == errno.EBUSY:
        named = f" ({'; '.join(users)})" if users else ""
        return f"is used by another program{named}; stop that program"
    return None if code == 0 else f"can't be opened ({os.strerror(code)}); plug it in again"


def processes_holding(path: Path, proc: Path = Path("/proc")) -> list[str]:
    """Other programs that hold the device open, as `name, process 123`; only root sees those of other users."""
    try:
        device = path.stat().st_rdev
    except OSError:
        return []
    found = []
    for folder in proc.glob("[0-9]*"):
        try:
            is_holder = int(folder.name) != os.getpid() and any(
                file.stat().st_rdev == device for file in (folder / "fd").iterdir() if file.exists()
            )
            if is_holder:
                found.append(f"{(folder / 'comm').read_text().strip()}, process {folder.name}")
        except OSError:
            continue
    return sorted(found)


def _query_capabilities(path: Path) -> tuple[str, bool, int]:
    """Return the device's name, whether it gives pictures, and the error number (0 for none)."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return "", False, error.errno or errno.EIO
    try:
        answer = fcntl.ioctl(handle, _QUERYCAP, bytes(_CAPABILITIES.size))
    except OSError as error:
        is_no_video = error.errno in (errno.ENOTTY, errno.EINVAL)
        return "", False, 0 if is_no_video else error.errno or errno.EIO
    finally:
        os.close(handle)
    _, card, _, _, of_all, of_this = _CAPABILITIES.unpack(answer)
    kinds = of_this if of_all & _HAS_DEVICE_CAPS else of_all
    return card.split(b"\x00", 1)[0].decode(errors="replace"), bool(kinds & _CAN_CAPTURE), 0


def _explain_refusal(path: Path, code: int) -> str:
    """Explain a refusal: EACCES means file permissions, EPERM a service's list of allowed devices."""
    if code == errno.EPERM:
        return f"the service may not open it; add DeviceAllow={path} rw to its systemd unit"
    user = _name_of_user(os.geteuid())
    try:
        group = grp.getgrgid(path.stat().st_gid).gr_name
    except (KeyError, OSError):
        group = "video"
    if group == "root":
        return f"user {user} may not open it; give it to group video: sudo chgrp video {path} && sudo chmod 660 {path}"
    return f"user {user} may not open it; sudo usermod -aG {group} {user}, then log in again or restart the service"


def _name_of_user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _others(dev: Path) -> str:
    found = [f"{device.path} ({device.name})" for device in video_devices(dev)]
    return f"; cameras found here: {', '.join(found)}" if found else ""
