"""Why a network camera refuses, in words that help, and which authentication it asks for. Secrets are not repeated."""

from __future__ import annotations

import re
import socket
import ssl
from urllib.parse import urlsplit

import av.error

_ANSWER_BYTES = 16_384
_ANSWERS = (av.error.HTTPError, av.error.HTTPClientError)


def is_timeout(error: Exception) -> bool:
    """Whether FFmpeg gave up because nothing came in time."""
    return isinstance(error, (av.error.ExitError, av.error.TimeoutError, TimeoutError))


def explain(error: Exception, url: str, limit_s: float, took_s: float) -> str:
    """The end of a sentence: why the stream at `url` could not be opened in `limit_s`, and what to do."""
    if isinstance(error, av.error.HTTPUnauthorizedError):
        if urlsplit(url).username is None:
            return "the camera asks for user name and password; write rtsp://user:password@host/path"
        return "user name or password refused; check both on the camera's own page"
    if is_timeout(error) or (took_s > 0.95 * limit_s and not isinstance(error, _ANSWERS)):
        return f"the camera answers, but no stream came in {limit_s:g} s; check its load, and raise open_timeout_s"
    for kind, words in _REFUSALS:
        if isinstance(error, kind):
            return words
    if getattr(error, "errno", None) == 93:  # EPROTONOSUPPORT
        return "the camera does not send this way; set transport = 'auto'"
    if isinstance(error, OSError) and error.strerror:
        return f"the camera answers but gives no stream ({error.strerror}); check the path and the port"
    return "the camera answers but gives no stream; check the path and the port"


_REFUSALS: tuple[tuple[type[Exception], str], ...] = (
    (av.error.HTTPForbiddenError, "this user may not see the stream (403); give them the right on the camera"),
    (av.error.HTTPNotFoundError, "the camera has no stream of this path (404); check the path"),
    (av.error.HTTPClientError, "the camera refuses the request; check the path, and how many viewers it allows"),
    (av.error.HTTPServerError, "the camera reports a fault of its own; restart it, or let it serve fewer viewers"),
    (av.error.ConnectionRefusedError, "the connection was refused; check that the camera is on, and the port"),
    (av.error.InvalidDataError, "what answers there is no RTSP server; check the port"),
)


def authentication_of(url: str, limit_s: float) -> str:
    """What a server asks for before it gives the stream: `none`, `basic`, `digest`, or `unknown`. No login is sent."""
    parts = urlsplit(url)
    host, is_secure = parts.hostname or "", parts.scheme in ("rtsps", "https")
    port = parts.port or {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}[parts.scheme]
    place = parts.netloc.rpartition("@")[2]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme in ("http", "https"):
        request = f"GET {path} HTTP/1.0\r\nHost: {place}\r\n\r\n"
    else:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        request = f"DESCRIBE {parts.scheme}://{place}{path} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"
    try:
        with socket.create_connection((host, port), timeout=limit_s) as plain:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # only what it asks for is read
            with context.wrap_socket(plain, server_hostname=host) if is_secure else plain as connection:
                connection.sendall(request.encode("utf-8", "surrogateescape"))
                return _asked_for(_read_head(connection))
    except (OSError, ValueError):
        return "unknown"


def _read_head(connection: socket.socket) -> bytes:
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < _ANSWER_BYTES:
        if not (data := connection.recv(4096)):
            break
        answer += data
    return answer.partition(b"\r\n\r\n")[0]


def _asked_for(head: bytes) -> str:
    status = re.match(rb"(?:RTSP/1\.\d|HTTP/1\.\d|ICY) (\d{3})", head)
    if status is None:
        return "unknown"
    asked = {kind.lower() for kind in re.findall(rb"(?im)^WWW-Authenticate: *(digest|basic)", head)}
    if status[1] == b"401" and asked:
        return "digest" if b"digest" in asked else "basic"
    return "none" if status[1] == b"200" else "unknown"
