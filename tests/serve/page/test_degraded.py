"""With the camera gone, the database locked or damaged, the disk full: the page still loads and says what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
from pathlib import Path

import pytest

from edge.app.health import checks
from edge.app.health.lowering import LoweringOrder
from edge.records import CameraState
from edge.serve.board import Condition
from edge.serve.page.wording import words
from edge.serve.page.wording.language import LANGUAGES, Translate
from edge.store.database import connect
from tests.support.mounts import mounted
from tests.support.web import ROLES, START, camera_health, live_view, make_hit, run, running

HTML = {"Accept": "text/html"}
PAGES = ("/", "/hits", "/people", "/box", f"/hits/{make_hit(1)[0].hit_id}")


@pytest.mark.parametrize("state", [CameraState.LOST, CameraState.FROZEN, CameraState.STALLED, CameraState.DARK])
def test_a_camera_that_is_gone(tmp_path: Path, state: CameraState) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            box.live.publish(live_view(1, age_s=3600))
            box.live.publish_health([camera_health(state, "no answer from rtsp://gate")])
            headers = box.session("supervisor") | HTML
            for path in ("/", "/box"):
                answer, body = await box.get(path, headers)
                assert answer.status == 200
                is_told = state in (CameraState.LOST, CameraState.STALLED)
                assert (b"no answer from rtsp://gate" in body) == is_told, "else the advice says the same"
                assert Translate("en")(f"state.{state.value}.advice") in body.decode()
            for path in PAGES:
                assert (await box.get(path, headers))[0].status == 200, path

    run(check())


def test_a_database_that_another_program_has_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "BUSY_MS", 300)

    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("supervisor") | HTML
            with contextlib.closing(sqlite3.connect(tmp_path / "data" / "edge.db", isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                for path in PAGES:
                    assert (await box.get(path, headers))[0].status == 200, path
                answer, body = await box.post(f"{PAGES[-1]}/review", {"verdict": "acknowledged"}, headers)
                assert answer.status == 503
                assert b"kept the database locked too long" in body
                other.execute("ROLLBACK")
            answer, _ = await box.post(f"{PAGES[-1]}/review", {"verdict": "acknowledged"}, headers)
            assert answer.status == 303

    run(check())


CONDITIONS = [
    ("disk", "low"),
    ("disk", "full"),
    ("load", "behind"),
    ("load", "overloaded"),
    ("watchlist", "stale"),
    ("clock", "unsynchronised"),
    ("clock", "stepped"),
    ("heat", "hot"),
    ("heat", "throttled"),
    ("database", "locked"),
    ("database", "failing"),
    ("models", "missing"),
    ("models", "altered"),
    ("models", "unusable"),
    ("pictures", "missing"),
    ("pictures", "unusable"),
    ("hits", "damaged"),
    ("models", "slower"),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_condition_has_words_and_advice(language: str) -> None:
    made = words.Words(Translate(language))
    said = [made.condition(Condition(subject, state, START, "facts")) for subject, state in CONDITIONS]
    assert len({one.what for one in said}) == len(CONDITIONS)
    assert all(one.advice and one.tone in {"wait", "fault"} for one in said)
    later = made.condition(Condition("flood", "rising", START, "water in the cellar"))
    assert (later.what, later.advice) == ("flood: rising", "water in the cellar")


@pytest.mark.parametrize(
    ("language", "alerts", "lightened"), [("en", "alert", "lightened"), ("de", "Alarm", "aufgehellt")]
)
def test_what_is_given_up_is_said_once(language: str, alerts: str, lightened: str) -> None:
    """The page shows the advice, and below it what the box says of itself."""
    made, order, state = words.Words(Translate(language)), LoweringOrder(), {"heat": "throttled"}
    for at_s in (0, 20, 40):
        step, detail = order.update(lambda subject: state.get(subject, "ok"), at_s)
        said = f"{made.condition(Condition('lowering', step, START, detail)).advice} {made.said(detail)}"
        assert (said.count(alerts), said.count(lightened)) == (1, 1), said
    assert step == "rate"
    kept, deleted = {"en": ("kept", "pictures"), "de": ("verloren", "Bilder")}[language]
    for free, once in ((9_000_000, kept), (99_000_000, deleted)):
        state, detail = checks.disk(free, 200_000_000, checks.OK)
        said = f"{made.condition(Condition('disk', state, START, detail)).advice} {made.said(detail)}"
        assert said.count(once) == 1, said


def test_a_model_on_the_cpu_is_a_notice_and_its_reason_is_said_in_german() -> None:
    made = words.Words(Translate("de"))
    assert made.condition(Condition("models", "slower", START, "facts")).tone == "wait", "hits still arrive"
    assert "bleibt auf CPU" in made.said("detector stays on CPU: no kernel image is available")


@pytest.mark.parametrize("role", ROLES)
def test_a_condition_is_said_on_every_page_with_what_since_when_and_what_to_do(tmp_path: Path, role: str) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session(role) | HTML
            home = {"guard": "/", "supervisor": "/", "installer": "/", "auditor": "/hits"}[role]
            _, calm = await box.get(home, headers)
            assert b"data-condition" not in calm
            box.live.publish_conditions([Condition("load", "overloaded", START, "1.0 frames/s are processed")])
            shown = 0
            for path in (*PAGES, "/examine", "/people/new", "/now/conditions", "/nope"):
                answer, body = await box.get(path, headers)
                if answer.status in {403, 503}:
                    continue
                shown += 1
                assert b"processes hardly any frames" in body, path
                assert b'datetime="2025-03-01T21:30:00.000Z"' in body, path
                assert b"Tell the installer" in body, path
            assert shown >= 3
            assert b"1.0 frames/s are processed" in (await box.get("/box", headers))[1]
            assert b"sees hardly" not in (await box.get("/login", HTML))[1], "nothing is told to strangers"
            box.live.publish_conditions([])
            assert b"data-condition" not in (await box.get(home, headers))[1]

    run(check())


def test_a_condition_wakes_the_page_when_it_begins_and_when_it_ends(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            bell = box.live.health_bell
            rings = [bell.rings]
            for state, detail in (("low", "9 MB"), ("low", "8 MB"), ("full", "0 MB")):
                box.live.publish_conditions([Condition("disk", state, START, detail)])
                rings.append(bell.rings)
            box.live.publish_conditions([])
            rings.append(bell.rings)
            assert [after - before for before, after in itertools.pairwise(rings)] == [1, 0, 1, 1]

    run(check())


def test_a_database_that_is_damaged_while_it_runs(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("supervisor") | HTML
            assert (await box.get("/", headers))[0].status == 200
            await asyncio.to_thread(box.store.close)
            # Who was logged in a moment ago is still known.
            for path in ("/", "/box"):
                answer, body = await box.get(path, headers)
                assert answer.status == 200, path
                assert b"read its database" in body
                assert b"No hits yet" not in body, "nobody knows"
            answer, body = await box.get("/hits", headers)
            assert (answer.status, b"The box can&#39;t do this now" in body) == (503, True)
            assert b"the store is closed" in body

    run(check())


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with mounted(tmp_path / "small", "size=12m") as folder:

        async def check() -> None:
            async with running(folder) as box:
                headers = box.session("supervisor") | HTML
                await asyncio.to_thread(_fill, folder / "filler")
                for path in PAGES:
                    assert (await box.get(path, headers))[0].status == 200, path
                box.live.publish_conditions([Condition("disk", "full", START, "0 MB are free")])
                _, body = await box.get("/box", headers)
                assert b"Free disk" in body
                assert b"has no disk space left" in body

        run(check())


def _fill(path: Path) -> None:
    with path.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65_536)
            file.flush()


def test_what_the_box_says_of_itself_has_words_and_advice() -> None:
    made = words.Words(Translate("en"))
    cases = {
        "store_problem": ("the disk is full", "can't store hits"),
        "hits_waiting": (3, "3 hits still to store"),
        "database_problem": ("damaged", "can't read its database"),
    }
    for name, (value, said) in cases.items():
        troubles = made.troubles({name: value})
        assert len(troubles) == 1, name
        assert said in str(troubles[0].what).replace("&#39;", "'"), name
        assert troubles[0].advice, name
    assert made.troubles({"temperature_c": 91.0, "pause": None, "frames": 3}) == [], "that is a condition's to say"
