"""Reads a camera's `source` setting: its scheme, what follows it, and a form without password for logs and pages.

No source is opened here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from edge.config import CameraConfig
from edge.errors import ConfigError

SCHEMES = {
    "file": "file:clip.mp4",
    "folder": "folder:frames/",
    "v4l2": "v4l2:/dev/video0",
    "rtsp": "rtsp://host/path",
    "rtsps": "rtsps://host/path",
    "http": "http://host/stream.mjpg",
    "https": "https://host/stream.mjpg",
    "picamera": "picamera:0",
    "csi": "csi:0",
}


@dataclass(frozen=True, slots=True)
class Address:
    """A checked `source`: `target` is a path, a device number, or the whole URL."""

    scheme: str
    target: str

    @property
    def is_recorded(self) -> bool:
        """True for files and folders, which end and can be played at any speed."""
        return self.scheme in ("file", "folder")

    @property
    def shown(self) -> str:
        """The address as people may see it: user name and password left out."""
        text = self.target if "://" in self.target else f"{self.scheme}:{self.target}"
        return without_login(text)


def without_login(url: str) -> str:
    """The URL without user name and password; a password may hold an `@` itself."""
    return re.sub(r"//[^/?#]*@", "//", url)


def parse_source(camera: CameraConfig) -> Address:
    """Split and check the camera's `source`; raises ConfigError that lists the valid schemes."""
    scheme, colon, rest = camera.source.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in SCHEMES:
        raise ConfigError(
            f"camera {camera.name!r}: source {without_login(camera.source)!r} has no known scheme; "
            f"write one of: {', '.join(SCHEMES.values())}"
        )
    if scheme in ("rtsp", "rtsps", "http", "https"):
        return Address(scheme, _check_url(camera, f"{scheme}:{rest}"))
    if not rest:
        raise ConfigError(f"camera {camera.name!r}: source has nothing after {scheme!r}; write it as {SCHEMES[scheme]}")
    if scheme in ("picamera", "csi") and not rest.isdecimal():
        raise ConfigError(f"camera {camera.name!r}: {rest!r} is not a camera number; write source as {SCHEMES[scheme]}")
    return Address(scheme, rest)


def _check_url(camera: CameraConfig, url: str) -> str:
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        example = SCHEMES[url.partition(":")[0]]
        raise ConfigError(f"camera {camera.name!r}: its source names no valid host and port; write it as {example}")
    return url
