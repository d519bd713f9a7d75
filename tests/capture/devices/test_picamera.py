"""picamera2's adapter against a stand-in for the library; `make camera-test` runs it against the library itself."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from edge.capture.devices.picamera import explain, explain_absence, to_bgr
from edge.capture.sources import open_source
from edge.config import CameraConfig
from edge.errors import CameraError


def camera(source: str, **settings: Any) -> CameraConfig:
    return CameraConfig(name="door", source=source, **settings)


class FakePicamera2:
    """What we can't own: the parts of picamera2 that the adapter uses, with its order of colours in memory."""

    calls: list[Any]
    given: dict[str, Any]

    def __init__(self, number: int) -> None:
        self.calls = [number]
        FakePicamera2.last = self
        if number == 1:
            raise RuntimeError("Camera __init__ sequence did not complete.") from RuntimeError(
                "Failed to acquire camera: Device or resource busy"
            )

    last: FakePicamera2
    wants: str | None = None

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return [{"Model": "imx708", "Id": "/base/a"}, {"Model": "imx219", "Id": "/base/b"}]

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        return wanted

    def configure(self, wanted: dict[str, Any]) -> None:
        self.calls.append(wanted)
        self.given = {**wanted["main"], "format": self.wants or wanted["main"]["format"]}

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": self.given}

    def start(self) -> None:
        self.calls.append("start")

    def stop(self) -> None:
        self.calls.append("stop")

    def close(self) -> None:
        self.calls.append("close")

    def capture_array(self, stream: str) -> np.ndarray:
        assert stream == "main"
        return np.dstack([np.full((16, 16), value, np.uint8) for value in (1, 2, 3)])  # "RGB888" is B, G, R


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> type[FakePicamera2]:
    monkeypatch.setitem(sys.modules, "picamera2", SimpleNamespace(Picamera2=FakePicamera2))
    return FakePicamera2


def test_bgr_is_taken_as_it_lies_in_memory(library: type[FakePicamera2]) -> None:
    with open_source(camera("picamera:0", width=16, height=16, fps=15)) as source:
        frame = next(iter(source.frames()))
    assert frame.image[0, 0].tolist() == [1, 2, 3]
    assert frame.media_s is None
    wanted = {"main": {"size": (16, 16), "format": "RGB888"}, "controls": {"FrameRate": 15.0}}
    assert library.last.calls == [0, wanted, "start", "stop", "close"]


def test_what_is_wrong_is_said(library: type[FakePicamera2], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CameraError, match="picamera:1: is used by another program"), open_source(camera("picamera:1")):
        pass
    with pytest.raises(CameraError, match="no camera has the number 2; picamera:0 is imx708"):
        open_source(camera("picamera:2")).__enter__()
    monkeypatch.setattr(library, "wants", "SRGGB10")
    with pytest.raises(CameraError, match="SRGGB10, which is not known here"), open_source(camera("picamera:0")):
        pass
    assert library.last.calls[-1] == "close"


@pytest.mark.parametrize("error", [ImportError("No module named 'pykms'"), ValueError("numpy.dtype size changed")])
def test_what_to_install_where_it_is_absent_or_made_for_another_numpy(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> None:
        raise error

    monkeypatch.setattr("edge.capture.devices.picamera.importlib.import_module", refuse)
    with pytest.raises(CameraError, match="install python3-picamera2") as caught, open_source(camera("picamera:0")):
        pass
    assert str(error) in str(caught.value)


def test_a_missing_camera_is_told_from_one_this_user_may_not_open(tmp_path: Path) -> None:
    assert "ribbon cable" in explain_absence(0, [], tmp_path)
    (tmp_path / "media0").touch()
    assert "ribbon cable" in explain_absence(0, [], tmp_path)
    (tmp_path / "media1").symlink_to(tmp_path / "nothing")
    assert "usermod -aG video" in explain_absence(0, [], tmp_path)
    assert explain(RuntimeError("a")) == "can't be opened (a); check the ribbon cable, and try rpicam-hello"


BGR = np.full((8, 16, 3), (200, 120, 40), np.uint8)


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("RGB888", BGR),
        ("BGR888", BGR[:, :, ::-1].copy()),
        ("MJPEG", BGR[:, :, ::-1].copy()),
        ("XRGB8888", cv2.cvtColor(BGR, cv2.COLOR_BGR2BGRA)),
        ("XBGR8888", cv2.cvtColor(BGR, cv2.COLOR_BGR2RGBA)),
        ("YUV420", cv2.cvtColor(BGR, cv2.COLOR_BGR2YUV_I420)),
        ("YUYV", cv2.cvtColor(BGR, cv2.COLOR_BGR2YUV_YUYV)),
    ],
)
def test_every_format_becomes_bgr_and_padding_is_cut_off(name: str, picture: np.ndarray) -> None:
    image = to_bgr(picture, name, 12)
    assert image.shape == (8, 12, 3)
    assert image.flags.c_contiguous
    assert np.abs(image.astype(int) - (200, 120, 40)).max() <= 3


def test_nv12_becomes_bgr() -> None:
    planar = cv2.cvtColor(BGR, cv2.COLOR_BGR2YUV_I420)
    chroma = planar[8:].reshape(2, -1).T.reshape(4, 16)
    assert np.abs(to_bgr(np.vstack([planar[:8], chroma]), "NV12", 16).astype(int) - (200, 120, 40)).max() <= 3
