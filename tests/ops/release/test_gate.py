"""What a release has to show, asked of a real service; only systemd's word is a stand-in."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from edge import __version__
from edge.errors import ReleaseError
from edge.ops.release.gate import Gate
from edge.ops.release.site import SystemdSite
from tests.support.appliance import Appliance

UP = {"ActiveState": "active", "NRestarts": "0", "Result": "success"}


def gate(box: Appliance, token: str, state: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setattr(Gate, "_unit_state", lambda self: state)
    return Gate(box.config, "edge.service", token, dict)


def test_a_service_that_works_shows_it(tmp_path: Path, demo_clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = Appliance(tmp_path, camera=demo_clip)
    token = box.token("check", "health:read")
    mark: dict[str, Any] = {"seq": 0, "cursor": None}
    with box.running():
        look = gate(box, token, UP, monkeypatch)
        look.wait_until_good(__version__, mark, 120)
        with pytest.raises(ReleaseError, match=r"answers, not 9\.9"):
            look.wait_until_good("9.9", mark, 0.5)
        with pytest.raises(ReleaseError, match="nothing new was written"):
            look.wait_until_good(__version__, {"seq": 10**9, "cursor": None}, 0.5)
        with pytest.raises(ReleaseError, match="could not be asked"):
            gate(box, "wrong", UP, monkeypatch).wait_until_good(__version__, mark, 0.5)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"ActiveState": "activating"}, "did not come up"),
        ({"NRestarts": "1"}, "restarted 1 times"),
        ({"NRestarts": "3"}, r"crashed 3 times; `journalctl"),
        ({}, "could not be asked"),
    ],
)
def test_a_service_that_does_not_is_told_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: dict[str, str], why: str
) -> None:
    look = gate(Appliance(tmp_path), "token", UP | state, monkeypatch)
    with pytest.raises(ReleaseError, match=why):
        look.wait_until_good(__version__, {"seq": 0, "cursor": None}, 0.5)


@pytest.mark.parametrize("found", [None, "a camera is black"])
def test_a_token_that_cannot_be_revoked_changes_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str | None
) -> None:
    def edge(self: SystemdSite, version: str, *words: str) -> dict[str, Any]:
        if "--revoke" in words:
            raise ReleaseError("the database is locked")
        return {"token": "secret"}

    def wait(*_: object) -> None:
        if found is not None:
            raise ReleaseError(found)

    home = tmp_path / "releases" / "1.0"
    home.mkdir(parents=True)
    (home / "edge.toml").write_text("", "utf-8")
    monkeypatch.setattr(SystemdSite, "edge", edge)
    monkeypatch.setattr(Gate, "wait_until_good", wait)
    with pytest.raises(ReleaseError, match=found) if found else contextlib.nullcontext():
        SystemdSite(tmp_path).gate("1.0", {})
