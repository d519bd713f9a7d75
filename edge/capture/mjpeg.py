"""MJPEG over HTTP, read by ourselves so that a broken picture is seen to be one and counted.

OpenCV's own reader decodes cut-off pictures as if they were whole. The stream is split in `multipart`, pictures are
decoded in `images`.
"""

from __future__ import annotations

import base64
import http.client
import socket
from collections.abc import Iterator
from email.message import Message
from types import TracebackType
from urllib.parse import unquote, urlsplit

from edge.arrays import BgrImage
from edge.capture.address import Address
from edge.capture.frames import SourceFrame
from edge.capture.images import decode_image
from edge.capture.multipart import read_parts
from edge.errors import CameraError, ImageError

OPEN_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 2.0
MAX_BROKEN_IN_A_ROW = 50
MAX_WAITING_BYTES = 1 << 17
"""Receive buffer. By default Linux buffers megabytes, and pictures are seconds old when read."""


class MjpegSource:
    """A live MJPEG stream. `bad_frames` counts pictures that came cut off or damaged."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.problem: str | None = None
        self.bad_frames = 0
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._boundary = b""

    def __enter__(self) -> MjpegSource:
        parts = urlsplit(self.address.target)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=OPEN_TIMEOUT_S)
        try:
            self._connection.connect()
            self._connection.sock.settimeout(READ_TIMEOUT_S)  # stays with the socket, which the response goes on using
            self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MAX_WAITING_BYTES)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            self._connection.request("GET", path, headers=_login(parts.username, parts.password))
            self._response = self._connection.getresponse()
            self._boundary = self._check(self._response)
        except (OSError, http.client.HTTPException) as error:
            self._close()
            raise CameraError(self._error_message(error)) from None
        except CameraError:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when the stream ends or nothing comes in time."""
        assert self._response is not None, "enter the source first"
        broken = 0
        try:
            for data in read_parts(self._response.read1, self._boundary):
                image = self._decode(data)
                broken = 0 if image is not None else broken + 1
                if image is not None:
                    yield SourceFrame(image, None)
                elif broken >= MAX_BROKEN_IN_A_ROW:
                    raise CameraError(f"{self.address.shown}: sends only broken pictures; check the camera's network")
        except (OSError, http.client.HTTPException) as error:
            raise CameraError(self._error_message(error)) from None
        raise CameraError(f"{self.address.shown}: the server ended the stream; check the camera")

    def _decode(self, data: bytes) -> BgrImage | None:
        """The picture, or None and counted where it is broken."""
        if is_whole_jpeg(data):
            try:
                return decode_image(data, self.address.shown)
            except ImageError:
                pass
        self.bad_frames += 1
        return None

    def _check(self, response: http.client.HTTPResponse) -> bytes:
        """The boundary between pictures; raises CameraError where the answer is no MJPEG stream."""
        shown = self.address.shown
        if response.status in (401, 403):
            raise CameraError(
                f"{shown}: user name or password refused ({response.status}); write http://user:password@host/..."
            )
        if response.status != http.client.OK:
            raise CameraError(
                f"{shown}: the server answers {response.status} {response.reason}; check the address's path"
            )
        header = Message()
        header["content-type"] = response.headers.get("Content-Type", "")
        boundary = header.get_param("boundary")
        if header.get_content_maintype() != "multipart" or not isinstance(boundary, str) or not boundary:
            raise CameraError(f"{shown}: is {header.get_content_type()}, not an MJPEG stream; check the address's path")
        return boundary.removeprefix("--").encode("latin-1", "replace")

    def _error_message(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"{self.address.shown}: nothing came in time; check the camera's power and network"
        if isinstance(error, socket.gaierror):
            return f"{self.address.shown}: no such host; check the address"
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{self.address.shown}: connection failed ({reason}); check that the camera is on, and its address"

    def _close(self) -> None:
        if self._response is not None:
            self._response.close()
        if self._connection is not None:
            self._connection.close()
        self._response = self._connection = None


def is_whole_jpeg(data: bytes) -> bool:
    """True where the bytes start and end as a JPEG does; padding after the end is common and allowed."""
    return data.startswith(b"\xff\xd8") and data.rstrip(b"\x00\r\n").endswith(b"\xff\xd9")


def _login(user: str | None, password: str | None) -> dict[str, str]:
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode("ascii")}
