"""Cameras over HTTP: every kind of motion JPEG, snapshots, logins and redirects."""

from __future__ import annotations

import base64
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edge.capture.sources import open_source
from edge.config import CameraConfig
from edge.errors import CameraError
from tests.support.media import encode, flat

GRAYS = (60, 100, 140, 180, 220)
PICTURES = [encode(flat(gray, 48, 64)) for gray in GRAYS]
OK = b"HTTP/1.0 200 OK\r\n"
MULTIPART = b"Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
USER, PASSWORD = "guard", "p@ss#1ü"


def part(picture: bytes) -> bytes:
    return b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture)


def with_boundary(boundary: bytes) -> Callable[[bytes], bytes]:
    return lambda picture: part(picture).replace(b"--b\r\n", boundary + b"\r\n", 1)


def with_length(change: int) -> Callable[[bytes], bytes]:
    return lambda picture: part(picture).replace(b"%d" % len(picture), b"%d" % (len(picture) + change), 1)


KINDS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "ok": (OK + MULTIPART, part),
    "quoted": (OK + MULTIPART.replace(b"=b", b'="my b"'), with_boundary(b"--my b")),
    "dash2": (OK + MULTIPART.replace(b"=b", b"=--b"), part),
    "dash4": (OK + MULTIPART.replace(b"=b", b"=--b"), lambda picture: b"--" + part(picture)),
    "nodash": (OK + MULTIPART.replace(b"=b", b"=Mine"), with_boundary(b"Mine")),
    "noboundary": (OK + b"Content-Type: multipart/x-mixed-replace\r\n\r\n", part),
    "noctype": (OK + b"\r\n", part),
    "wrongboundary": (OK + MULTIPART.replace(b"=b", b"=other"), part),
    "nolen": (OK + MULTIPART, lambda p: b"--b\r\nContent-Type: image/jpeg\r\n\r\n" + p + b"\r\n"),
    "lf": (OK + MULTIPART, lambda p: b"--b\nContent-Type: image/jpeg\nContent-Length: %d\n\n%s\n" % (len(p), p)),
    "nofirst": (OK + MULTIPART, lambda p: b"Content-Type: image/jpeg\r\n\r\n" + p + b"\r\n--b\r\n"),
    "short": (OK + MULTIPART, with_length(-7)),
    "long": (OK + MULTIPART, with_length(+400)),
    "padding": (OK + MULTIPART, lambda p: part(p + bytes(100))),
    "junk": (OK + MULTIPART, lambda p: part(p + b"Aperture=2.0 tail")),
    "bare": (OK + b"Content-Type: video/x-motion-jpeg\r\n\r\n", lambda p: p),
    "bareimage": (OK + b"Content-Type: image/jpeg\r\n\r\n", lambda p: p),
    "icy": (b"ICY 200 OK\r\n" + MULTIPART, part),
    "answerlength": (OK + b"Content-Length: 0\r\n" + MULTIPART, part),
    "snapshot": (OK + b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", lambda p: p),
    "snapshotwithout": (OK + b"Content-Type: image/jpeg\r\n\r\n", lambda p: p),
    "snapshotwronglength": (OK + b"Content-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n", lambda p: p),
    "snapshotoctets": (OK + b"Content-Type: application/octet-stream\r\n\r\n", lambda p: p),
}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.logins: list[tuple[str, str | None]] = []
        self.onward = ""
        self.num_asked = 0
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.num_asked += 1
        name = self.path.strip("/").partition("?")[0]
        self.server.logins.append((name, self.headers.get("Authorization")))
        try:
            if name in KINDS:
                self.serve(name)
            else:
                getattr(self, name)()
        except OSError:
            pass

    def serve(self, name: str) -> None:
        head, wrap = KINDS[name]
        if name.startswith("snapshot"):
            picture = PICTURES[self.server.num_asked % len(PICTURES)]
            self.wfile.write((head % len(picture) if b"%d" in head else head) + picture)
            return
        self.wfile.write(head)
        for number in range(200):
            self.wfile.write(wrap(PICTURES[number % len(PICTURES)]))
            time.sleep(0.01)

    def answer(self, status: str, *headers: str) -> None:
        lines = "".join(f"{header}\r\n" for header in headers)
        self.wfile.write(f"HTTP/1.0 {status}\r\n{lines}Content-Length: 0\r\n\r\n".encode())

    def moved(self) -> None:
        self.answer("302 Found", f"Location: {self.server.onward}")

    def round(self) -> None:
        self.answer("301 Moved", "Location: /round")

    def basic(self) -> None:
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") == wanted:
            self.serve("ok")
        else:
            self.answer("401 Unauthorized", 'WWW-Authenticate: Basic realm="cam"')

    def digest(self) -> None:
        self.check_digest("MD5", 'Basic realm="cam", Digest realm="c, a m", nonce="n1", qop="auth,auth-int"')

    def digest256(self) -> None:
        self.check_digest("SHA-256", 'Digest realm="c, a m", nonce="n1", qop="auth", algorithm=SHA-256, opaque="o"')

    def digestold(self) -> None:
        self.check_digest("MD5", 'Digest realm="c, a m", nonce="n1"')

    def digestsess(self) -> None:
        self.answer("401 Unauthorized", 'WWW-Authenticate: Digest realm="c", nonce="n", algorithm=MD5-sess')

    def check_digest(self, algorithm: str, demand: str) -> None:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', self.headers.get("Authorization", "").replace("c, a m", "cam")))

        def sha(text: str) -> str:
            return hashlib.new(algorithm.replace("-", "").lower(), text.encode()).hexdigest()

        first, second = sha(f"{USER}:c, a m:{PASSWORD}"), sha(f"GET:{self.path}")
        middle = f"{given.get('nc')}:{given.get('cnonce')}:auth:" if "qop" in demand else ""
        if given.get("response") == sha(f"{first}:n1:{middle}{second}") and given.get("uri") == self.path:
            self.serve("ok")
        else:
            self.answer("401 Unauthorized", f"WWW-Authenticate: {demand}")

    def forbidden(self) -> None:
        if self.headers.get("Authorization"):
            self.serve("ok")
        else:
            self.answer("403 Forbidden")

    def broken(self) -> None:
        self.answer("503 Service Unavailable")

    def film(self) -> None:
        self.wfile.write(OK + b"Content-Type: video/mp2t\r\n\r\n")
        for _ in range(200):
            self.wfile.write(b"G" + bytes(65_535))

    def empty(self) -> None:
        self.wfile.write(OK + MULTIPART)

    def garbage(self) -> None:
        self.wfile.write(b"RTSP/1.0 400 Bad Request\r\n\r\n")

    def hangup(self) -> None:
        self.close_connection = True


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def other() -> Iterator[Server]:
    running = Server()
    yield running
    running.shutdown()
    running.server_close()


def read(url: str, num: int = 8, fps: float = 100.0) -> list[int]:
    """Mean grays of that many frames."""
    with open_source(CameraConfig(name="door", source=url, fps=fps, stall_after_s=2.5)) as source:
        frames = source.frames()
        grays = [round(float(next(frames).image.mean())) for _ in range(num)]
        assert source.bad_frames == 0
    return grays


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_frames(server: Server, kind: str) -> None:
    grays = read(server.url(kind))
    assert all(min(abs(gray - known) for known in GRAYS) <= 1 for gray in grays)
    assert len(set(grays)) > 1
    if kind.startswith("snapshot"):
        assert server.num_asked >= len(grays)


@pytest.mark.parametrize("kind", ["basic", "digest", "digest256", "digestold", "forbidden"])
def test_a_login_is_given_once_it_is_asked_for(server: Server, kind: str) -> None:
    read(server.url(f"{kind}?channel=1", f"{USER}:p%40ss%231%C3%BC@"))
    assert [given is not None for _, given in server.logins] == [False, True]
    if kind.startswith("digest"):
        assert "Basic" not in str(server.logins), "the password itself was not sent"


@pytest.mark.parametrize(
    ("path", "login", "word"),
    [
        ("digest", f"{USER}:wrong1@", "password refused"),
        ("basic", "", "wants a user name and password"),
        ("forbidden", "", r"refuses access \(403\); .* let this box in on the camera"),
        ("broken", "", "answers 503 .*; restart the camera"),
        ("digestsess", f"{USER}:wrong1@", "MD5-sess"),
        ("round", "", "6 times"),
        ("film", "", "bytes came without a JPEG picture .video/mp2t"),
        ("empty", "", "without a single JPEG picture"),
        ("garbage", "", "not HTTP"),
        ("hangup", "", "without an answer"),
    ],
)
def test_what_is_wrong_is_said(server: Server, path: str, login: str, word: str) -> None:
    with pytest.raises(CameraError, match=word) as caught:
        read(server.url(path, login))
    assert "wrong1" not in str(caught.value)
    assert not str(caught.value).endswith("."), "a sentence follows where the page shows it"


def test_a_redirect_is_followed_and_another_host_gets_no_password(server: Server, other: Server) -> None:
    login = f"{USER}:p%40ss%231%C3%BC@"
    server.onward = "/basic"
    read(server.url("moved", login))
    server.onward = other.url("ok")
    read(server.url("moved", login))
    server.onward = other.url("basic", "a:b12345@")
    with pytest.raises(CameraError, match="wants a login") as caught:
        read(server.url("moved", login))
    assert f"http://127.0.0.1:{other.server_port}/basic" in str(caught.value)
    assert {given for _, given in other.logins} == {None}
    assert "b12345" not in str(caught.value)


@pytest.mark.parametrize("onward", ["rtsp://127.0.0.1:554/live", "file:///etc/passwd", "https://127.0.0.1/x"])
def test_a_redirect_to_another_scheme_is_not_followed(server: Server, onward: str) -> None:
    server.onward = onward
    with pytest.raises(CameraError, match="another kind of address"):
        read(server.url("moved"))
