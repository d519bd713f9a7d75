"""Asks a camera over HTTP: login (basic, digest), redirects, and answers that call themselves ICY.

What an answer's body holds is read in `mjpeg`. The password goes to the camera's own host and port alone, and only
once that has asked for it.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import itertools
import re
import socket
import urllib.request
from collections.abc import Callable
from email.message import Message
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from edge.capture.address import Address
from edge.disclosure import hide, shown
from edge.errors import CameraError

MAX_REDIRECTS = 5
MAX_LOGINS = 2
"""Tries to log in: a digest's nonce may have grown stale, and then a new one is asked for."""
MAX_WAITING_BYTES = 1 << 17
"""Receive buffer. By default Linux buffers megabytes, and pictures are seconds old when read."""
_REDIRECTS = (301, 302, 303, 307, 308)
_SAFE = "%/:=&?~+!$,;'@()*[]"
_CHALLENGE = re.compile(r"(?:^|,)\s*(basic|digest)\b", re.IGNORECASE)
_HASHES = {"MD5": hashlib.md5, "SHA": hashlib.sha1, "SHA-256": hashlib.sha256}


class HttpCamera:
    """One camera's address, with what it takes to be let in."""

    def __init__(self, address: Address, open_timeout_s: float, read_timeout_s: float) -> None:
        self._address = address
        self._timeouts_s = (open_timeout_s, read_timeout_s)
        parts = urlsplit(address.target)
        self._login = _Login(parts) if parts.username is not None else None
        self._challenge: str | None = None

    def get(self) -> http.client.HTTPResponse:
        """The answer with its body still to be read; raises CameraError, OSError and HTTPException."""
        target, num_redirects, num_logins = _without_login(urlsplit(self._address.target)), 0, 0
        while True:
            is_own = _origin(target) == _origin(self._address.target)
            answer = self._send(target, is_own)
            if answer.status in _REDIRECTS and answer.headers.get("Location"):
                answer.close()
                num_redirects += 1
                target = self._follow(target, answer.headers["Location"], num_redirects)
            elif is_own and self._login is not None and num_logins < MAX_LOGINS and self._wants_login(answer.status):
                answer.close()
                num_logins += 1
                self._challenge = _choose(answer.headers)
            else:
                return self._checked(answer, target, is_own)

    def _wants_login(self, status: int) -> bool:
        """Whether to try with a login: it was demanded, or refused by a camera that doesn't say what it wants."""
        return status == 401 or (status == 403 and self._challenge is None)

    def _send(self, target: str, is_own: bool) -> http.client.HTTPResponse:
        parts = urlsplit(target)
        kind = _HttpsConnection if parts.scheme == "https" else _HttpConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self._timeouts_s[0])
        headers = {"Connection": "close", "Accept": "*/*"}
        if self._login is not None and is_own and self._challenge is not None:
            headers["Authorization"] = self._login.answer(self._challenge, target)
        try:
            connection.connect()
            connection.sock.settimeout(self._timeouts_s[1])  # stays with the socket, which the answer goes on using
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MAX_WAITING_BYTES)
            connection.request("GET", urllib.request.Request(target).selector or "/", headers=headers)
            return connection.getresponse()
        except BaseException:
            connection.close()
            raise

    def _follow(self, target: str, location: str, num_redirects: int) -> str:
        onward = _without_login(urlsplit(urljoin(target, location)))
        told = f"{self._address.shown}: the camera redirects to {shown(onward)}"
        if num_redirects > MAX_REDIRECTS:
            raise CameraError(f"{told}, and has done so {num_redirects} times; check the address in a browser")
        if urlsplit(onward).scheme != urlsplit(target).scheme or not urlsplit(onward).hostname:
            raise CameraError(f"{told}, another kind of address; write the one to be read as the camera's source")
        return onward

    def _checked(self, answer: http.client.HTTPResponse, target: str, is_own: bool) -> http.client.HTTPResponse:
        if answer.status == http.client.OK:
            return answer
        answer.close()
        told = self._address.shown
        if answer.status in (401, 403) and not is_own:
            raise CameraError(
                f"{told}: the camera redirects to {shown(target)}, which wants a login ({answer.status}); user name "
                "and password are sent to the camera's own address alone: write that one as its source"
            )
        if answer.status == 401 and self._login is None:
            raise CameraError(f"{told}: wants a user name and password (401); write http://user:password@host/path")
        if answer.status == 403 and self._login is None:
            raise CameraError(
                f"{told}: refuses access (403); write http://user:password@host/path, or let this box in on the camera"
            )
        if answer.status in (401, 403):
            raise CameraError(
                f"{told}: user name or password refused ({answer.status}); check both on the camera's own page"
            )
        advice = (
            "restart the camera, or let it serve fewer viewers" if answer.status >= 500 else "check the address's path"
        )
        raise CameraError(f"{told}: the server answers {answer.status} {hide(answer.reason)}; {advice}")


class _Login(urllib.request.AbstractDigestAuthHandler):
    """User name and password of an address, and the answer to a demand for them."""

    def __init__(self, parts: SplitResult) -> None:
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, _origin(parts.geturl()), self._user, self._password)
        super().__init__(passwords)

    def answer(self, challenge: str, target: str) -> str:
        """The value of `Authorization`."""
        if challenge.lower().startswith("digest"):
            fields = urllib.request.parse_keqv_list(
                [field for field in urllib.request.parse_http_list(challenge[6:].strip()) if "=" in field]
            )
            return f"Digest {self.get_authorization(urllib.request.Request(target), fields)}"
        pair = f"{self._user}:{self._password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")

    def get_algorithm_impls(self, algorithm: str) -> tuple[Callable[[str], str], Callable[[str, str], str]]:
        """The library knows neither SHA-256 nor letters beyond ASCII."""
        make = _HASHES[algorithm.upper()]

        def digest(text: str) -> str:
            return make(text.encode()).hexdigest()

        return digest, lambda secret, data: digest(f"{secret}:{data}")


class _Answer(http.client.HTTPResponse):
    """An answer that may begin with `ICY 200 OK`, as those of SHOUTcast and of some encoders do."""

    def _read_status(self) -> tuple[str, int, str]:
        if self.fp.peek(4).startswith(b"ICY "):
            words = str(self.fp.readline(1000), "iso-8859-1").split(None, 2)
            if len(words) > 1 and words[1].isdigit():
                return "HTTP/1.0", int(words[1]), " ".join(words[2:])
            raise http.client.BadStatusLine("ICY")
        return super()._read_status()  # type: ignore[misc, no-any-return]


class _HttpConnection(http.client.HTTPConnection):
    response_class = _Answer


class _HttpsConnection(http.client.HTTPSConnection):
    response_class = _Answer


def _choose(headers: Message) -> str:
    """The best of the demands: digest with a hash known here, else basic, which is also taken where none is named."""
    told = ", ".join(headers.get_all("WWW-Authenticate", []))
    starts = [found.start(1) for found in _CHALLENGE.finditer(told)]
    demands = [told[start:end].strip(" ,") for start, end in itertools.pairwise([*starts, len(told)])]
    digests = [one for one in demands if one.lower().startswith("digest")]
    for algorithm in ("SHA-256", "MD5", "SHA"):
        for one in digests:
            named = re.search(r'algorithm="?([^",\s]+)', one, re.IGNORECASE)
            if (named[1].upper() if named else "MD5") == algorithm and "nonce=" in one and "realm=" in one:
                return one
    if digests and len(digests) == len(demands):
        raise CameraError(f"the camera wants a login of a kind not known here ({digests[0][:60]}); allow basic or MD5")
    return "Basic"


def _without_login(parts: SplitResult) -> str:
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(
        netloc=host, path=quote(parts.path or "/", safe=_SAFE), query=quote(parts.query, safe=_SAFE), fragment=""
    ).geturl()


def _origin(url: str) -> str:
    """Scheme, host and port of an address, ending in a slash."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}/"
