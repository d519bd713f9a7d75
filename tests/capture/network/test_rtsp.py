"""RTSP from a real server: that goes and comes back, sends rarely, over UDP, in H.265, and wants a login."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.arrays import BgrImage
from edge.capture.camera import Camera
from edge.capture.network.freshness import Freshness
from edge.capture.network.refusals import authentication_of
from edge.capture.network.rtsp import FIRST_SILENCE_S, Rhythm
from edge.capture.sources import FrameSource, open_source
from edge.config import CameraConfig
from edge.errors import CameraError
from edge.records import CameraState
from tests.support.capture.cameras import BACK_WITHIN_S, wait_for_state
from tests.support.media import wait_until
from tests.support.paths import RTSP_SERVER
from tests.support.ports import free_port

SYSTEM_PYTHON = Path("/usr/bin/python3")


def config(source: str, **settings: Any) -> CameraConfig:
    return CameraConfig(name="door", source=source, stall_after_s=2.5, **settings)


class RtspServer:
    """The real server of `rtsp_server.py`, as a process; `digest` and `basic` are the ports that want a login."""

    def __init__(self, port: int) -> None:
        arguments = [str(SYSTEM_PYTHON), str(RTSP_SERVER), str(port)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            _, why = self.process.communicate()
            raise OSError(why.strip().rpartition("\n")[2])
        self.port, self.digest, self.basic, has_h265 = (int(word) for word in line.split())
        self.has_h265 = bool(has_h265)

    def url(self, path: str) -> str:
        return f"rtsp://127.0.0.1:{self.port}{path}"

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def rtsp() -> Iterator[RtspServer]:
    if not SYSTEM_PYTHON.exists():
        pytest.skip("needs Debian's python3 with gi and GStreamer's RTSP server")
    try:
        running = RtspServer(free_port())
    except OSError as error:
        pytest.skip(f"needs gir1.2-gst-rtsp-server-1.0, python3-gi and GStreamer's plugins: {error}")
    yield running
    running.kill()


def test_an_rtsp_server_that_is_killed_and_returns(rtsp: RtspServer) -> None:
    with Camera(config(f"rtsp://127.0.0.1:{rtsp.port}/live")) as camera:
        frame = camera.newest(20.0)
        assert frame is not None
        assert frame.image.shape == (240, 320, 3)
        assert frame.image.max() > 200, "the ball is white"
        wait_for_state(camera, CameraState.LIVE)
        rtsp.kill()
        wait_for_state(camera, CameraState.LOST)
        wait_until(lambda: "Connection refused" in camera.health().detail, BACK_WITHIN_S)
        before = camera.health().frames
        again = RtspServer(rtsp.port)
        try:
            wait_for_state(camera, CameraState.LIVE)
            wait_until(lambda: camera.health().frames > before + 10, BACK_WITHIN_S)
        finally:
            again.kill()


def test_an_rtsp_server_that_hangs_with_its_connection_open(rtsp: RtspServer) -> None:
    """A half-open server: OpenCV alone would block for 30 s a call, or repeat old pictures."""
    with Camera(config(f"rtsp://127.0.0.1:{rtsp.port}/live")) as camera:
        wait_for_state(camera, CameraState.LIVE, within_s=20.0)
        stopped_ns = time.monotonic_ns()
        os.kill(rtsp.process.pid, signal.SIGSTOP)
        last_ns = 0
        while camera.health().state == CameraState.LIVE:
            frame = camera.newest(0.02)
            last_ns = frame.captured_mono_ns if frame is not None else last_ns
        assert last_ns < stopped_ns + 1.5e9, "no old picture is given as a new one, seconds later"
        wait_until(lambda: camera.health().state in (CameraState.STALLED, CameraState.LOST), BACK_WITHIN_S)
        os.kill(rtsp.process.pid, signal.SIGCONT)
        wait_for_state(camera, CameraState.LIVE)


def test_a_stream_that_is_read_too_slowly_is_opened_anew_instead_of_growing_old(rtsp: RtspServer) -> None:
    url = f"rtsp://127.0.0.1:{rtsp.port}/live"
    with open_source(config(url)) as source, pytest.raises(CameraError, match="s late, as this box decodes"):
        all(time.sleep(0.3) is None for _ in itertools.islice(source.frames(), 100))


def some_frames(camera: CameraConfig, count: int = 3) -> tuple[FrameSource, list[BgrImage]]:
    with open_source(camera) as source:
        return source, [frame.image for frame in itertools.islice(source.frames(), count)]


@pytest.mark.parametrize(
    ("path", "transport"), [("/live", "udp"), ("/udp", "auto"), ("/udp", "udp"), ("/talking", "auto")]
)
def test_streams_over_udp_and_with_sound_are_read(rtsp: RtspServer, path: str, transport: str) -> None:
    _, images = some_frames(config(rtsp.url(path), transport=transport))
    assert all(image.shape == (240, 320, 3) and image.max() > 200 for image in images)


def test_h265_is_read_and_the_aspect_is_corrected(rtsp: RtspServer) -> None:
    if not rtsp.has_h265:
        pytest.skip("needs GStreamer's x265enc")
    source, images = some_frames(config(rtsp.url("/h265"), aspect="16:9"))
    assert images[0].shape == (240, 427, 3)
    assert source.facts.codec == "hevc"  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["digest", "basic"])
def test_both_kinds_of_login_are_given_and_named(rtsp: RtspServer, kind: str) -> None:
    place = f"127.0.0.1:{getattr(rtsp, kind)}/live"
    _, images = some_frames(config(f"rtsp://admin:p%40ss%3Aw%23rd%2F1%3F@{place}"))
    assert len(images) == 3
    assert authentication_of(f"rtsp://admin:other@{place}", 5.0) == kind
    assert authentication_of(rtsp.url("/live"), 5.0) == "none"


def test_what_is_wrong_with_an_rtsp_camera_is_said(rtsp: RtspServer) -> None:
    faults = {
        rtsp.url("/nothing"): "no stream of this path",
        rtsp.url("/sound"): "no video",
        f"rtsp://127.0.0.1:{rtsp.digest}/live": "asks for user name and password",
        f"rtsp://admin:secret@127.0.0.1:{rtsp.digest}/live": "user name or password refused",
        f"rtsp://admin:secret@127.0.0.1:{rtsp.basic}/live": "user name or password refused",
    }
    for url, word in faults.items():
        with pytest.raises(CameraError, match=word) as caught:
            some_frames(config(url))
        assert "secret" not in str(caught.value)
        assert not str(caught.value).endswith("."), "a sentence follows where the page shows it"
    with pytest.raises(CameraError, match="does not send this way"):
        some_frames(config(rtsp.url("/udp"), transport="tcp"))


def greet_all(listener: socket.socket) -> None:
    """Answer whoever comes in the language of mail servers."""
    with contextlib.suppress(OSError):
        while True:
            with listener.accept()[0] as connection:
                connection.sendall(b"220 mail ready\r\n" * 400)


def test_an_rtsp_server_that_says_nothing_or_speaks_another_language() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"rtsp://127.0.0.1:{mute.getsockname()[1]}/live"
        with pytest.raises(CameraError, match="no stream came in 1 s"):
            some_frames(config(url, open_timeout_s=1.0))
    with socket.create_server(("127.0.0.1", 0)) as other:
        threading.Thread(target=greet_all, args=(other,), daemon=True).start()
        with pytest.raises(CameraError, match="is no RTSP server"):
            some_frames(config(f"rtsp://127.0.0.1:{other.getsockname()[1]}/live", open_timeout_s=5.0))


def test_keyframes_that_are_rare_are_waited_for_and_a_slow_stream_is_no_silent_one(rtsp: RtspServer) -> None:
    """Joined midway, 5 s may pass before anything can be decoded; one picture in 2 s is within this stream's rate."""
    with (
        Camera(config(rtsp.url("/rare"))) as first,
        Camera(config(rtsp.url("/slow")).model_copy(update={"stall_after_s": 1.0})) as slow,
    ):
        assert first.newest(20.0) is not None
        with Camera(config(rtsp.url("/rare"))) as second:
            assert second.newest(20.0) is not None
            wait_for_state(second, CameraState.LIVE)
            assert second.health().restarts == 0
        wait_until(lambda: slow.health().frames >= 3, 40.0)
        assert slow.health().state == CameraState.LIVE
        assert slow.health().restarts == 0


@pytest.mark.parametrize(
    ("stated", "pictures", "silence_s"),
    [
        (0.0, [], FIRST_SILENCE_S),
        (0.2, [], 15.0),
        (25.0, [(0.0, 0.0), (0.04, 0.04), (0.08, 0.08)], 4.0),
        (25.0, [(0.0, 0.0), (3.0, 0.01), (6.0, 3.0)], 9.0),
        (0.0, [(None, 0.0), (None, 2.0)], 6.0),
    ],
)
def test_the_silence_that_is_no_fault_follows_the_streams_own_rate(
    stated: float, pictures: list[tuple[float | None, float]], silence_s: float
) -> None:
    rhythm = Rhythm(stated, 4.0)
    for at_s, now_s in pictures:
        rhythm.picture(at_s, now_s)
    assert rhythm.silence_s == pytest.approx(silence_s)


def test_pictures_that_were_buffered_while_the_stream_was_opened_are_left_out() -> None:
    freshness = Freshness("rtsp://cam")
    burst = [freshness.is_fresh(number / 25, 100 + number * 0.001) for number in range(10)]
    assert burst == [True] + [False] * 9
    assert all(freshness.is_fresh(number / 25, 100 + number / 25) for number in range(10, 40))
    assert freshness.is_fresh(None, 200.0)


@pytest.mark.parametrize(("waiting", "why"), [(0.05, "as this box decodes them"), (0.9, "though this box waits")])
def test_late_pictures_are_laid_to_who_makes_them_late(waiting: float, why: str) -> None:
    """A camera whose clock runs 5 % slow, or a slow network, is not helped by smaller pictures for this box."""
    freshness, told = Freshness("rtsp://camera"), None
    for number in range(2000):
        now_s = number / 15
        try:
            assert freshness.is_fresh(0.95 * now_s, 100 + now_s, waiting * now_s)
        except CameraError as error:
            told = str(error)
            break
    assert told is not None
    assert why in told


@pytest.mark.parametrize("clock", ["set back", "stands still"])
def test_a_cameras_clock_that_is_set_back_is_no_lag(clock: str) -> None:
    freshness = Freshness("rtsp://camera")
    for number in range(600):
        at_s = number / 15
        stamp_s = 7.0 if clock == "stands still" else at_s if at_s < 20 else at_s - 20 + 1 / 90000
        assert freshness.is_fresh(stamp_s, 100 + at_s)
