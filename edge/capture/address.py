"""Reads a camera's `source` setting: its scheme, what follows it, and a form without password for logs and pages.

No source is opened here.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from edge import disclosure
from edge.capture.orders import CameraSettings
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
        """The address as people may see it: no user name, password or query."""
        return without_login(self.target if "://" in self.target else f"{self.scheme}:{self.target}")


def without_login(source: str) -> str:
    """A source as people may see it: no user name, password or query."""
    return disclosure.shown(source)


def parse_source(camera: CameraSettings) -> Address:
    """Split and check the camera's `source`; raises ConfigError that lists the valid schemes."""
    disclosure.remember(camera.source)
    scheme, colon, rest = camera.source.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in SCHEMES:
        raise ConfigError(
            f"camera {camera.name!r}: source {disclosure.shown(camera.source)!r} has no known scheme; "
            f"write one of: {', '.join(SCHEMES.values())}"
        )
    if scheme in ("rtsp", "rtsps", "http", "https"):
        return Address(scheme, _check_url(camera, f"{scheme}:{rest}"))
    if not rest:
        raise ConfigError(f"camera {camera.name!r}: source has nothing after {scheme!r}; write it as {SCHEMES[scheme]}")
    if scheme in ("picamera", "csi") and not rest.isdecimal():
        raise ConfigError(f"camera {camera.name!r}: {rest!r} is not a camera number; write source as {SCHEMES[scheme]}")
    return Address(scheme, rest)


def _check_url(camera: CameraSettings, url: str) -> str:
    scheme, _, rest = url.partition("://")
    _refuse_raw_marks(camera, scheme, rest)
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        example = SCHEMES[scheme.partition(":")[0]]
        raise ConfigError(f"camera {camera.name!r}: its source names no valid host and port; write it as {example}")
    return url


def _refuse_raw_marks(camera: CameraSettings, scheme: str, rest: str) -> None:
    """Refuse marks that end a login or an address where they stand as they are: the rest would be lost, or shown."""
    login, after = disclosure.split_login(rest)
    wrong = [mark for mark in "#/?[]" if mark in (login or "")]
    if wrong:
        told = ", ".join(f"{mark} as {quote(mark, safe='')}" for mark in wrong)
        login = f"user:pass{''.join(quote(mark, safe='') for mark in wrong)}word"
        form = disclosure.shown(f"{scheme}://{after}").replace("://", f"://{login}@", 1)
        raise ConfigError(
            f"camera {camera.name!r}: its user name or password holds a mark that has a meaning in addresses; write "
            f"{told} there, as in {form}. An @ that belongs to the path is written %40"
        )
    if "#" in after:
        raise ConfigError(
            f"camera {camera.name!r}: a # in an address ends it, so that what follows is lost; write it as %23"
        )
