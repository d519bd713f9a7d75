"""Network cameras: MJPEG over HTTP from a server that misbehaves, RTSP from a real one that goes and comes back."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np
import pytest

from edge.capture.camera import Camera
from edge.capture.network.mjpeg import MAX_BEHIND_S
from edge.capture.sources import open_source
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import CameraState
from tests.support.capture.cameras import BACK_WITHIN_S, wait_for_state
from tests.support.media import encode, flat, wait_until
from tests.support.ports import free_port

GRAYS = (60, 100, 140, 180, 220)


class MjpegServer(ThreadingHTTPServer):
    """Serves /live (now and then a picture cut off), /broken (only such), /short (three), /silent, /page, /png."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), MjpegHandler)
        self.is_stopping = threading.Event()
        self.password_seen: str | None = None
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.server_port}{path}"

    def vanish(self) -> None:
        """Stop listening and drop every stream."""
        self.is_stopping.set()
        self.shutdown()
        self.server_close()


class MjpegHandler(BaseHTTPRequestHandler):
    server: MjpegServer

    def do_GET(self) -> None:
        self.server.password_seen = self.headers.get("Authorization")
        if self.path in ("/page", "/secret", "/nothing"):
            self.send_response({"/page": 200, "/secret": 401, "/nothing": 404}[self.path])
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            return
        self.send_response(200)
        if self.path == "/png":
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(cv2.imencode(".png", flat(60, 32, 48))[1].tobytes())
            return
        self.send_header("Content-Type", 'multipart/x-mixed-replace; boundary="edge"')
        self.end_headers()
        number = 0
        while not self.server.is_stopping.is_set() and (self.path != "/short" or number < 3):
            if self.path != "/silent":
                try:
                    self.wfile.write(self.part(number))
                except OSError:
                    return
            number += 1
            time.sleep(0.02)

    def part(self, number: int) -> bytes:
        """Every second picture is broken, each time in another way."""
        whole = encode(flat(GRAYS[number % len(GRAYS)], 240, 320))
        kind = number % 8 if self.path == "/live" else (1 if self.path == "/broken" else 0)
        body = {1: whole[: len(whole) // 2], 3: b"not a jpeg", 5: whole[:-300], 7: whole[:200]}.get(kind, whole)
        length = len(whole) if kind == 5 else len(body)  # a length that lies
        return b"--edge\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (length, body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def config(source: str, **settings: Any) -> CameraConfig:
    return CameraConfig(name="door", source=source, stall_after_s=2.5, **settings)


@pytest.fixture
def server() -> Iterator[MjpegServer]:
    running = MjpegServer(free_port())
    yield running
    if not running.is_stopping.is_set():
        running.vanish()


def test_broken_pictures_are_dropped_and_counted_and_whole_ones_come(server: MjpegServer) -> None:
    with open_source(config(server.url("/live", "guard:p%40ss@"))) as source:
        frames = source.frames()
        images = [next(frames).image for _ in range(20)]
    assert source.bad_frames >= 16
    for image in images:
        assert image.shape == (240, 320, 3)
        assert int(image.max()) - int(image.min()) <= 2, "a picture that is whole has one gray"
        assert min(abs(int(image.mean()) - gray) for gray in GRAYS) <= 2
    assert server.password_seen is None, "nobody asked for it"


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/broken", "only broken pictures"),
        ("/short", "ended the stream"),
        ("/silent", "nothing came in time"),
        ("/page", "text/html, not an MJPEG stream"),
        ("/secret", "password refused"),
        ("/nothing", "404"),
        ("/png", "sends image/png, not JPEG pictures; set the camera"),
    ],
)
def test_what_is_wrong_with_a_stream_is_said(server: MjpegServer, path: str, word: str) -> None:
    with pytest.raises(CameraError, match=word) as caught, open_source(config(server.url(path, "u:secret@"))) as source:
        for _ in source.frames():
            pass
    assert "secret@" not in str(caught.value)


def test_https_where_nothing_speaks_tls_is_said(server: MjpegServer) -> None:
    url = server.url("/live").replace("http:", "https:")
    with pytest.raises(CameraError, match="does not speak TLS; write http://"), open_source(config(url)):
        pass


def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/live"
        with pytest.raises(CameraError, match="nothing came in time"), open_source(config(url)):
            pass


def test_pictures_that_waited_while_decoding_was_slow_are_passed_over() -> None:
    """They lie in buffers of both sides, and would be shown as new seconds later."""
    head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=edge\r\n\r\n"

    def part(gray: int) -> bytes:
        noise = np.random.default_rng(gray).integers(-9, 10, (120, 160, 3))
        return b"--edge\r\nContent-Type: image/jpeg\r\n\r\n" + encode((flat(gray, 120, 160) + noise).astype(np.uint8))

    is_slow, are_sent = threading.Event(), threading.Event()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(head + part(60))
            is_slow.wait(BACK_WITHIN_S)
            connection.sendall(part(100) * 30)
            are_sent.set()
            time.sleep(1.0)
            connection.sendall(part(220))
            time.sleep(1.0)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        with open_source(config(f"http://127.0.0.1:{listening.getsockname()[1]}/")) as source:
            frames = source.frames()
            assert next(frames).image.mean() == pytest.approx(60, abs=3)
            is_slow.set()
            assert are_sent.wait(BACK_WITHIN_S)
            time.sleep(MAX_BEHIND_S + 0.1)
            shown: list[float] = []
            while not shown or shown[-1] < 200:
                shown.append(float(next(frames).image.mean()))
    assert len(shown) <= 3, "of 30 that were old by then"


def test_an_mjpeg_server_that_vanishes_and_returns(server: MjpegServer) -> None:
    with Camera(config(server.url("/live"))) as camera:
        assert camera.newest(BACK_WITHIN_S) is not None
        wait_for_state(camera, CameraState.LIVE)
        server.vanish()
        wait_for_state(camera, CameraState.LOST)
        wait_until(lambda: "check that the camera is on" in camera.health().detail, BACK_WITHIN_S)
        again = MjpegServer(server.server_port)
        wait_for_state(camera, CameraState.LIVE)
        assert camera.health().restarts == 0  # the child itself connected again
        wait_until(lambda: camera.bad_frames > 0, BACK_WITHIN_S)
        again.vanish()


def test_an_address_nobody_listens_at() -> None:
    port = free_port()
    for scheme in ("rtsp", "http"):
        with (
            pytest.raises(CameraError, match="Connection refused"),
            open_source(config(f"{scheme}://127.0.0.1:{port}/x")),
        ):
            pass
