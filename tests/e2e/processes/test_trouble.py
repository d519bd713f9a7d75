"""The real service in trouble: camera stopped, model file gone, disk full, database locked; the page says so."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import shutil
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.appliance import Appliance
from tests.support.mounts import mounted
from tests.support.paths import ROOT

PASSWORD = "correct horse 1"
PAGES = ("/", "/hits", "/people", "/box")


class Guard:
    """A person who is logged in."""

    def __init__(self, box: Appliance) -> None:
        self.box = box
        self.http = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        form = urllib.parse.urlencode({"user": "ann", "password": PASSWORD}).encode()
        self.http.open(urllib.request.Request(f"{box.url}/login", form, {"Origin": box.url}), timeout=30).close()

    def page(self, path: str) -> str:
        """A page as it is; every page has to load."""
        with self.http.open(self.box.url + path, timeout=30) as answer:
            return str(answer.read().decode())

    def sees(self, words: str, within_s: float = 60.0) -> str:
        """The first page once it says `words`; all other pages have to load then, too."""
        found = self.wait(lambda: page if words in (page := self.page("/")) else None, within_s, words)
        for path in PAGES:
            self.page(path)
        return found

    def no_longer_sees(self, words: str, within_s: float = 60.0) -> None:
        self.wait(lambda: True if words not in self.page("/") else None, within_s, f"no {words}")

    def wait(self, look: Callable[[], Any], within_s: float, what: str) -> Any:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if (found := look()) is not None:
                return found
            time.sleep(0.3)
        raise AssertionError(f"not within {within_s} s: {what}\n{self.box.log()[-2000:]}")


def embedder(pack: Path) -> str:
    """File of the model without which nobody is recognised."""
    models = json.loads((pack / "manifest.json").read_text("utf-8"))["models"]
    return str(next(entry["file"] for entry in models if entry["task"] == "embed"))


def states(box: Appliance, token: str) -> list[tuple[str, str]]:
    """Subject and state of every health item of the box, in order."""
    items = box.get("/api/v1/alerts?limit=500", token)["items"]
    return [(item["subject"], item["state"]) for item in items if item["type"] == "health" and "subject" in item]


def made(folder: Path, clip: Path, **about: Any) -> tuple[Appliance, str]:
    """A box with somebody who can log in, and a token."""
    box = Appliance(folder, camera=clip, **about)
    box.user("ann", "supervisor", PASSWORD)
    return box, box.token()


@contextlib.contextmanager
def in_service(folder: Path, clip: Path, **about: Any) -> Iterator[tuple[Appliance, Guard, str]]:
    box, token = made(folder, clip, **about)
    with box.running():
        yield box, Guard(box), token
    assert "Traceback" not in box.log()


def test_a_camera_that_stopped(tmp_path: Path, demo_clip: Path) -> None:
    clip = tmp_path / "clip.avi"
    shutil.copy(demo_clip, clip)
    with in_service(tmp_path, clip, loop=False, realtime=False) as (box, guard, token):
        page = guard.sees("Recording has ended")
        assert "Restart the service to play it again" in page
        items = box.get("/api/v1/alerts?limit=500", token)["items"]
        assert "ended" in [item.get("state") for item in items if item["type"] == "health"]


def test_a_model_file_that_goes_while_it_works(tmp_path: Path, demo_clip: Path) -> None:
    pack = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "quantized", pack)
    victim = pack / embedder(pack)
    box, token = made(tmp_path, demo_clip)
    box.config.write_text(f'models_dir = "{pack}"\n' + box.config.read_text("utf-8"), "utf-8")
    with box.running():
        guard = Guard(box)
        victim.rename(pack / "away")
        page = guard.sees("has lost a model file")
        assert victim.name in page
        assert 'data-live="no"' in page, "the cameras are still there"
        (pack / "away").rename(victim)
        guard.no_longer_sees("has lost a model file")
        assert states(box, token)[-2:] == [("models", "missing"), ("models", "ok")]


def test_a_model_file_that_is_gone_at_the_start(tmp_path: Path, demo_clip: Path) -> None:
    pack = tmp_path / "models"
    shutil.copytree(ROOT / "models" / "quantized", pack)
    victim = pack / embedder(pack)
    box, token = made(tmp_path, demo_clip, more="keep_page = true\n")
    box.config.write_text(f'models_dir = "{pack}"\n' + box.config.read_text("utf-8"), "utf-8")
    victim.rename(pack / "away")
    with box.running() as process:
        guard = Guard(box)
        page = guard.sees("does not recognise anybody: its models can&#39;t be loaded")
        assert victim.name in page
        told = box.get("/api/v1/health", token)
        assert [(one["subject"], one["state"]) for one in told["box"]["conditions_now"]] == [("models", "unusable")]
        guard.wait(lambda: box.get("/api/v1/coverage", token)["cameras"] or None, 20, "an account of the camera")
        (pack / "away").rename(victim)
        guard.wait(lambda: _live(box, token), 60, "the camera")
        assert "does not recognise anybody" not in guard.page("/")
        assert process.poll() is None
        spans = box.get("/api/v1/coverage", token)["cameras"][0]["spans"]
        assert "models can't be loaded" in {span["reason"] for span in spans}
    victim.rename(pack / "away")
    with box.running() as process:
        pass
    assert process.returncode == 78, "it never came to watch, and the one who stops it is told"


def _live(box: Appliance, token: str) -> bool | None:
    with contextlib.suppress(urllib.error.URLError, ConnectionError):
        cameras = box.get("/api/v1/health", token)["cameras"]
        return True if [camera["state"] for camera in cameras] == ["live"] else None
    return None


def test_a_database_that_another_program_has_locked(tmp_path: Path, demo_clip: Path) -> None:
    with in_service(tmp_path, demo_clip) as (box, guard, token):
        with contextlib.closing(sqlite3.connect(box.data_dir / "edge.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            page = guard.sees("is waiting for its database")
            assert "Another program holds the database" in page
            other.execute("ROLLBACK")
        guard.no_longer_sees("is waiting for its database")
        guard.wait(lambda: ("database", "ok") in states(box, token) or None, 30, "the feed tells it afterwards")
        assert ("database", "locked") in states(box, token)


def test_a_disk_that_is_full(tmp_path: Path, demo_clip: Path) -> None:
    small = tmp_path / "small"
    with (
        mounted(small, "size=64m") as folder,
        in_service(folder, demo_clip, more="[store]\nmin_free_bytes = 0\n") as service,
    ):
        box, guard, token = service
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65_536)
        page = guard.sees("has no disk space left")
        assert "Free some space on the box now" in page
        filler.unlink()
        guard.no_longer_sees("has no disk space left")
        guard.wait(lambda: ("disk", "ok") in states(box, token) or None, 30, "the feed tells it afterwards")


@pytest.mark.parametrize("setting", ["", "keep_page = false\n"])
def test_without_the_setting_it_ends_with_78(tmp_path: Path, demo_clip: Path, setting: str) -> None:
    box = Appliance(tmp_path, camera=demo_clip, more=setting)
    box.config.write_text(f'models_dir = "{tmp_path}"\n' + box.config.read_text("utf-8"), "utf-8")
    process = box.start()
    assert process.wait(60) == 78
