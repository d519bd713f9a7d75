"""Secrets handed over by the service manager."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge import credentials
from edge.capture.address import parse_source
from edge.capture.sources import open_source
from edge.config import CameraConfig
from edge.errors import ConfigError


@pytest.fixture
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path


def test_nothing_is_handed_over_outside_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert credentials.read("claim_code") is None
    with pytest.raises(ConfigError, match="'door': was not passed"):
        credentials.fill("rtsp://ann:{credential:door}@192.0.2.1/")


def test_a_password_is_quoted_into_the_address(handed: Path) -> None:
    (handed / "door").write_text("p@ss/word:1\n", "utf-8")
    assert credentials.fill("rtsp://ann:{credential:door}@192.0.2.1/x") == "rtsp://ann:p%40ss%2Fword%3A1@192.0.2.1/x"
    assert credentials.read("door") == "p@ss/word:1"


def test_what_is_no_text_is_refused(handed: Path) -> None:
    (handed / "door").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="UTF-8"):
        credentials.read("door")


def test_a_camera_takes_its_password_from_there_and_never_shows_it(handed: Path) -> None:
    (handed / "door").write_text("secret\n", "utf-8")
    camera = CameraConfig(name="door", source="rtsp://ann:{credential:door}@192.0.2.1/x")
    source = open_source(camera)
    assert source.address.target == "rtsp://ann:secret@192.0.2.1/x"  # type: ignore[attr-defined]
    assert source.address.shown == parse_source(camera).shown == "rtsp://192.0.2.1/x"  # type: ignore[attr-defined]
