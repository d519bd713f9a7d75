"""Cameras that change their mind: another size in mid-stream, an absurd picture; and how the pipeline takes it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.build import load_active_list, load_models
from edge.app.offline.clips import process
from edge.app.offline.contents import find_clips
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.capture.camera import Camera
from edge.config import CameraConfig, Config, MaskConfig, load
from edge.records import CameraState, Person
from edge.store import Store
from tests.support.media import encode, flat, wait_until

SIZES = [(240, 320), (480, 640), (48, 64), (1080, 1920)]


def absurd_jpeg() -> bytes:
    """A picture whose header claims 65,500 x 65,500 pixels."""
    data = bytearray(encode(flat(90)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (65_500).to_bytes(2, "big") * 2
    return bytes(data)


class Changing(BaseHTTPRequestHandler):
    """Motion JPEG of ever other sizes."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=edge")
        self.end_headers()
        pictures = [encode(flat(60 + 40 * number, *size)) for number, size in enumerate(SIZES)] + [absurd_jpeg()]
        number = 0
        while True:
            try:
                self.wfile.write(b"--edge\r\nContent-Type: image/jpeg\r\n\r\n" + pictures[number % 5] + b"\r\n")
            except OSError:
                return
            number += 1
            time.sleep(0.05)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Changing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/live"
        server.shutdown()


def test_each_frame_has_its_own_size_and_its_mask_and_the_absurd_one_is_counted(address: str) -> None:
    config = CameraConfig(name="door", source=address, masks=(MaskConfig(x=0.5, y=0, width=0.5, height=0.5),))
    seen = set()
    with Camera(config) as camera:

        def has_all() -> bool:
            frame = camera.newest(0.2)
            if frame is not None:
                height, width = frame.image.shape[:2]
                seen.add((height, width))
                assert not frame.image[: height // 2, width // 2 :].any()
                value = int(frame.image[-1, 0, 0])
                assert abs(value - (60 + 40 * SIZES.index((height, width)))) <= 2, "pixels of another frame"
            return seen == set(SIZES) and camera.bad_frames > 0

        wait_until(has_all, 30.0)
        assert camera.health().state == CameraState.LIVE
        assert camera.health().restarts == 0


def test_a_face_is_followed_or_dropped_when_the_size_changes_but_nothing_breaks(tmp_path: Path, portrait: Path) -> None:
    frames = list(islice(demo_clip.frames(), 70, 110))
    for number, frame in enumerate(frames):
        scale = (1.0, 0.4, 1.5, 0.15)[number // 10 % 4]
        image = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        (tmp_path / f"{number:03}.png").write_bytes(encode(np.asarray(image, np.uint8), ".png"))
    models = load_models(load())
    with Store.open(tmp_path / "data") as store:
        enrol(store, models, Person("p1", "P", "demo"), [portrait])
        results = list(process(Config(), models, load_active_list(store, models), find_clips(tmp_path)))
    ended = [end for result in results for end in result.ended]
    assert ended
    assert all(end.match is not None or end.reason is not None for end in ended)
