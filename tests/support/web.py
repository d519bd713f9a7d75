"""A whole web side for tests: a real store with people, hits and users, drawn pictures, the server on a real socket."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import functools
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from aiohttp import web

from edge.app.examine.results import forget_in
from edge.app.people.worker import PeopleWorker
from edge.config import Config, ServeConfig
from edge.records import (
    CameraHealth,
    CameraState,
    Hit,
    HitImages,
    LiveFace,
    LiveView,
    Person,
    Reference,
    Visit,
)
from edge.serve import LiveBoard, build_app, start
from edge.serve.http.auth import CookieNames
from edge.serve.ports import PeopleService
from edge.store import Store, time_to_text
from edge.store.coverage.pause import Pause
from tests.support.drawings import SCENE, draw_scene, jpeg, pictures, sha256

ROLES = ("guard", "supervisor", "installer", "auditor")
PASSWORD = "correct horse 1"
PARTS = ("review", "site", "statuses", "examiner", "recognition", "walk", "areas")
START = dt.datetime(2025, 3, 1, 21, 30, tzinfo=dt.UTC)
NASTY = "<script>alert(1)</script>\"'&"


def live_view(
    frame_id: int,
    camera: str = "door",
    *,
    age_s: float = 0.0,
    label: str | None = "Rosa Alba",
    hit_id: str | None = None,
    is_between: bool = False,
) -> LiveView:
    """A frame of the drawn scene, captured `age_s` ago."""
    image, boxes = draw_scene(frame_id)
    faces = (
        LiveFace(boxes[0], label, 0.62 if label else None, 1, hit_id),
        LiveFace(boxes[1], None, None, 2, None, is_between),
    )
    captured_at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s)
    mono_ns = time.monotonic_ns() - int(age_s * 1e9)
    return LiveView(camera, frame_id, captured_at, mono_ns, *SCENE, lambda: jpeg(image), faces)


class Switch:
    """Stands in for the switch of recognition: remembers what was asked."""

    def __init__(self, pause_now: Pause | None = None) -> None:
        self.pause_now = pause_now
        self.asked: list[tuple[object, ...]] = []

    async def pause(self, by: str, reason: str, minutes: float) -> Pause:
        now = dt.datetime.now(dt.UTC)
        self.asked.append(("pause", by, reason, minutes))
        self.pause_now = Pause(by, reason, now, now + dt.timedelta(minutes=minutes))
        return self.pause_now

    async def resume(self, by: str) -> None:
        self.asked.append(("resume", by))
        self.pause_now = None


def camera_health(state: CameraState = CameraState.LIVE, detail: str = "25 frames/s") -> CameraHealth:
    """State of the camera."""
    return CameraHealth("door", state, START, detail, 1234, 0)


def person(number: int, name: str | None = None) -> Person:
    """Person p1, p2, ..."""
    return Person(f"p{number}", name or ("Rosa Alba", "Viktor Lindqvist-Abendroth", "Ada")[(number - 1) % 3], "banned")


def make_hit(number: int, who: Person | None = None, *, enhanced: bool = True) -> tuple[Hit, dict[str, bytes]]:
    """Hit number n with its pictures; ids and times grow with the number."""
    who = who or person(1)
    kept = pictures(int(who.person_id[1:]))
    names = {role: sha256(data) for role, data in kept.items()}
    best = START + dt.timedelta(minutes=number)
    step = {
        "name": "lime",
        "version": 1,
        "params": {"gamma": 0.6, "alpha": 0.15},
        "model_sha256": None,
        "input_sha256": "a" * 64,
        "output_sha256": "b" * 64,
        "ms": 3.2,
    }
    hit = Hit(
        hit_id=f"01950000-0000-7000-8000-{number:012d}",
        kind="actual",
        person=who,
        camera="door",
        visit=Visit(best - dt.timedelta(seconds=4), best + dt.timedelta(seconds=6), best, 17),
        similarity=0.6213,
        margin=0.31,
        runner_up_id="p2" if who.person_id == "p1" else "p1",
        similarity_original=0.48,
        similarity_enhanced=0.6213 if enhanced else None,
        expected_false_alerts="about 1 in 20,000 faces at this setting, list of 3",
        quality={
            "sharpness": 41.5,
            "luma": 0.17,
            "noise": 0.012,
            "yaw_deg": -11.0,
            "eye_distance_px": 38.2,
            "score": 54.0,
            "parts": {"sharpness": 0.86, "luma": 0.44, "pose": 0.93, "size": 1.0},
        },
        recipe={"steps": [step] if enhanced else [], "skipped": [{"name": "denoise", "reason": "noise 0.012 is low"}]},
        images=HitImages(names["frame"], names["crop"], names["enhanced"] if enhanced else None, names["reference"]),
        box=tuple(draw_scene(int(who.person_id[1:]))[1][0]),  # type: ignore[arg-type]
        frame_id=1000 + number,
        watchlist={"version": 3, "digest": "c" * 64},
        models={"detect": "d" * 64, "embed": "e" * 64},
        box_id="gate-2",
        clock={"synced": True, "error_ms": 4.0, "boot_id": "f" * 32, "mono_ns": 123456789},
        review={"state": "new", "by": None, "at": None},
    )
    kept_by_hash = {names[role]: data for role, data in kept.items() if enhanced or role != "enhanced"}
    return hit, kept_by_hash


def add_person(store: Store, who: Person) -> None:
    """Enrol a drawn person."""
    data = pictures(int(who.person_id[1:]))["reference"]
    embedding = np.zeros(128, np.float32)
    embedding[int(who.person_id[1:])] = 1.0
    name = sha256(data)
    reference = Reference(f"r{who.person_id}", who.person_id, name, embedding, "e" * 64, {"score": 90}, "portrait.png")
    store.put_person(who, [reference], {name: data}).result()


def add_scene(store: Store, state: str = "covered", since: dt.datetime = START) -> int:
    """Add the item of a camera that lost its scene, with its two pictures; its number."""
    images = {role: jpeg(draw_scene(number)[0]) for number, role in enumerate(("before", "now"), 1)}
    body = {"camera": "door", "state": state, "detail": "told", "since": time_to_text(since)}
    names = {role: sha256(data) for role, data in images.items()}
    given = {names[role]: data for role, data in images.items()}
    return store.add_item("health", body | {"pictures": names}, given).result().seq


@functools.cache
def _template() -> tempfile.TemporaryDirectory[str]:
    """A data directory with one user of each role, made once."""
    folder = tempfile.TemporaryDirectory()
    with Store.open(Path(folder.name) / "data") as store:
        for role in ROLES:
            store.add_user(f"a-{role}", role, PASSWORD).result()
        for number in (1, 2):
            add_person(store, person(number))
    return folder


def prepare(folder: Path, *, num_hits: int = 3) -> Store:
    """A store with users, two people and some hits."""
    data_dir = folder / "data"
    shutil.copytree(Path(_template().name) / "data", data_dir, dirs_exist_ok=True)
    store = Store.open(data_dir)
    for number in range(1, num_hits + 1):
        store.add_hit(*make_hit(number)).result()
    return store


Answer = tuple[aiohttp.ClientResponse, bytes]


@dataclasses.dataclass
class WebSide:
    """A running web side and clients for it."""

    store: Store
    live: LiveBoard
    runner: web.AppRunner
    url: str
    http: aiohttp.ClientSession

    @property
    def cookie(self) -> str:
        """Name of the session's cookie."""
        return CookieNames.of(self.store.box_id).session

    def session(self, role: str = "guard") -> dict[str, str]:
        """Headers of a person of that role."""
        return {"Cookie": f"{self.cookie}={self.store.add_session(f'a-{role}', 1).result()}"}

    def token(self, *scopes: str, name: str = "central") -> dict[str, str]:
        """Headers of a machine."""
        return {"Authorization": f"Bearer {self.store.add_token(name, scopes or ('alerts:read',)).result()}"}

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """GET without following redirects."""
        async with self.http.get(self.url + path, headers=headers, allow_redirects=False) as answer:
            return answer, await answer.read()

    async def post(
        self, path: str, form: Mapping[str, str], headers: Mapping[str, str] | None = None, *, origin: str | None = ""
    ) -> Answer:
        """POST a form as a page of this box would, or of another `origin`."""
        sent = dict(headers or {})
        if origin is not None:
            sent["Origin"] = origin or self.url
        async with self.http.post(self.url + path, data=dict(form), headers=sent, allow_redirects=False) as answer:
            return answer, await answer.read()


@asynccontextmanager
async def running(
    folder: Path,
    *,
    num_hits: int = 3,
    people: Callable[[Store], PeopleService] | None = None,
    told: Mapping[str, Any] | None = None,
    **more: Any,
) -> AsyncIterator[WebSide]:
    """The web side on a free port; `more` is a part such as review, recognition, walk (or makes it) or a setting.

    `told` is what the box's health says beside the usual.
    """
    store = prepare(folder, num_hits=num_hits)
    given = {name: more.pop(name) for name in PARTS if name in more}
    parts = {name: part(store) if callable(part) else part for name, part in given.items()}
    live = LiveBoard()
    usual = {"box_id": "gate-2", "frames": 1234, "people": 2, "store_problem": None, "started_at": START}
    live.publish_health([camera_health()])
    app = build_app(
        store=store,
        config=ServeConfig(**more),
        live=live,
        metrics=lambda: b"# TYPE edge_hits counter\nedge_hits_total 3\n",
        health=lambda: {**usual, **(told or {})},
        version="1.2.3",
        people=people(store) if people else PeopleWorker(Config(), store, None, forget_in(folder / "data")),
        **parts,
    )
    runner, port = await start(app, "127.0.0.1", 0)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            yield WebSide(store, live, runner, f"http://127.0.0.1:{port}", http)
    finally:
        await runner.cleanup()
        await asyncio.to_thread(store.close)


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run one async test to its end."""
    asyncio.run(coroutine)
