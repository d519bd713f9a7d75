"""Reads motion JPEG over HTTP without OpenCV, so that broken pictures are noticed and counted.

OpenCV's own reader decodes cut-off pictures as if they were whole. The camera is asked in `http_camera`, pictures are
found in `jpegs` and decoded in `images`. An address that gives one picture is asked for the next one, again and again.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import time
from collections.abc import Iterator
from types import TracebackType

from edge.arrays import BgrImage
from edge.capture.address import Address
from edge.capture.frames import SourceFrame
from edge.capture.network.http_camera import HttpCamera
from edge.capture.network.jpegs import Piece, read_jpegs
from edge.capture.pictures.images import decode_image
from edge.disclosure import hide
from edge.errors import CameraError, ImageError

OPEN_TIMEOUT_S = 4.0
READ_TIMEOUT_S = 2.0
MAX_BROKEN_IN_A_ROW = 50
MAX_BYTES_WITHOUT_PICTURE = 4_000_000
MAX_BEHIND_S = 0.5
"""Seconds without a wait for data after which pictures were waiting, and are old: they are passed over until there is a
wait, since the next picture is new then."""
SHOW_EVERY_S = 1.0
"""Seconds after which one is shown all the same, or a network that is never idle would leave none."""
_JPEG_KINDS = ("image/jpeg", "image/jpg", "image/pjpeg")
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST")
"""What OpenSSL says of an answer that is none of TLS."""
_DOCUMENTS = ("text/html", "application/json", "application/xml", "text/xml", "application/xhtml+xml")


class MjpegSource:
    """A live motion JPEG stream, or a snapshot polled `fps` times a second. `bad_frames` counts damaged pictures."""

    def __init__(self, address: Address, fps: float = 25.0, stall_after_s: float = 4.0) -> None:
        self.address = address
        self._shown = address.shown
        self.problem: str | None = None
        self.bad_frames = 0
        # A snapshot is asked for before the silence counts as a fault, however seldom `fps` would ask.
        self._every_s = min(1 / fps, stall_after_s / 2)
        self._camera = HttpCamera(address, OPEN_TIMEOUT_S, max(READ_TIMEOUT_S, stall_after_s * 0.75))
        self._answer: http.client.HTTPResponse | None = None
        self._num_silent_bytes = 0
        self._waited_s = self._shown_s = 0.0
        """When data were last waited for, and a picture was last shown."""

    def __enter__(self) -> MjpegSource:
        self._ask()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when the stream ends or nothing comes in time."""
        assert self._answer is not None, "enter the source first"
        broken = 0
        while True:
            began_s = time.monotonic()
            for piece in self._pieces():
                if piece.is_whole and self._is_old(time.monotonic()):
                    continue
                image = self._decode(piece)
                broken = 0 if image is not None else broken + 1
                if image is not None:
                    yield SourceFrame(image, None)
                elif broken >= MAX_BROKEN_IN_A_ROW:
                    raise CameraError(f"{self.address.shown}: sends only broken pictures; check the camera's network")
            time.sleep(max(0.0, began_s + self._every_s - time.monotonic()))
            self._ask()

    def _is_old(self, now_s: float) -> bool:
        """Whether a picture that is there at this time has waited for long, as where decoding is too slow."""
        if now_s - self._waited_s > MAX_BEHIND_S and now_s - self._shown_s < SHOW_EVERY_S:
            return True
        self._shown_s = now_s
        return False

    def _pieces(self) -> Iterator[Piece]:
        """Pictures of one answer; CameraError unless it was a snapshot."""
        assert self._answer is not None
        kind, num = self._answer.headers.get_content_type(), 0
        is_named = "Content-Type" in self._answer.headers
        is_single = kind.startswith("image/") and "Content-Length" in self._answer.headers
        try:
            for piece in read_jpegs(self._read_some):
                num += 1
                self._num_silent_bytes = 0
                yield piece
                if is_single and piece.is_whole:
                    return
        except (OSError, http.client.HTTPException) as error:
            raise CameraError(self._error_message(error)) from None
        if num == 0 and kind.startswith("image/") and kind not in _JPEG_KINDS:
            raise CameraError(f"{self.address.shown}: sends {kind}, not JPEG pictures; set the camera to JPEG")
        if num == 0 and kind.startswith("image/"):
            yield Piece(b"", False)
        elif num != 1 or kind.startswith("multipart/"):
            told = kind if is_named else "of no named kind"
            none = f" without a single JPEG picture ({told})" if num == 0 else ""
            raise CameraError(f"{self.address.shown}: the server ended the stream{none}; check the camera")

    def _read_some(self, size: int) -> bytes:
        """Bytes of the body as they come. Its length is not believed: cameras name wrong ones."""
        answer = self._answer
        assert answer is not None
        has_data = answer.fp is None or bool(select.select([answer.fp], [], [], 0)[0])
        data: bytes = answer.read1(size) if answer.chunked or answer.fp is None else answer.fp.read1(size)
        self._waited_s = self._waited_s if has_data else time.monotonic()
        self._num_silent_bytes += len(data)
        if self._num_silent_bytes > MAX_BYTES_WITHOUT_PICTURE:
            kind = answer.headers.get_content_type()
            raise CameraError(
                f"{self.address.shown}: {self._num_silent_bytes} bytes came without a JPEG picture ({kind}); set the "
                "camera to motion JPEG, or write its rtsp:// address"
            )
        return data

    def _decode(self, piece: Piece) -> BgrImage | None:
        """Return the picture; count it and return None if it is broken."""
        if piece.is_whole:
            try:
                return decode_image(piece.data, self._shown)
            except ImageError:
                pass
        self.bad_frames += 1
        return None

    def _ask(self) -> None:
        """Ask the camera; raises CameraError if it doesn't answer, or with something else than pictures."""
        self._close()
        self._num_silent_bytes, self._waited_s = 0, time.monotonic()
        try:
            self._answer = self._camera.get()
        except (OSError, http.client.HTTPException) as error:
            raise CameraError(self._error_message(error)) from None
        kind = self._answer.headers.get_content_type()
        if kind in _DOCUMENTS:
            self._close()
            raise CameraError(f"{self.address.shown}: is {kind}, not an MJPEG stream; check the address's path")

    def _error_message(self, error: Exception) -> str:
        shown = self.address.shown
        if isinstance(error, TimeoutError):
            return f"{shown}: nothing came in time; check the camera's power and network"
        if isinstance(error, socket.gaierror):
            return f"{shown}: no such host; check the address"
        if isinstance(error, http.client.RemoteDisconnected):
            return f"{shown}: the server closed the connection without an answer; check the camera"
        if isinstance(error, http.client.HTTPException):
            return f"{shown}: answers something that is not HTTP ({hide(str(error))[:80]!r}); check the port"
        if isinstance(error, ssl.SSLError) and error.reason in _NO_TLS:
            return (
                f"{shown}: what answers there does not speak TLS; write http:// in place of https://, or check the port"
            )
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{shown}: connection failed ({hide(reason)}); check that the camera is on, and its address"

    def _close(self) -> None:
        if self._answer is not None:
            self._answer.close()
        self._answer = None
