"""The box page: how models are run, coverage since the installation, what became of faces, and the audit in words."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest

from edge.app.health.drift import NOT_YET, WITH_WALK
from edge.records import Reason
from edge.serve.page.box.box import _coverage_shares
from edge.serve.page.wording import language
from edge.serve.routes import TABLE
from edge.store import Store, Watching
from tests.support.web import run, running

HTML = {"Accept": "text/html"}
CHOICE = "reproduces its known answer (0.10 of the tolerance); passed over: e.onnx on <GPU> answers something else"
FACES = {"door": {"hour": {"too_small": 2}, "day": {"too_small": 31, "match": 1200}}, "yard": {"hour": {}, "day": {}}}


def test_it_says_how_a_model_is_run_and_why(tmp_path: Path) -> None:
    embed = {"name": "embed_plain", "precision": "int8", "provider": "CPUExecutionProvider", "choice": CHOICE}

    async def check() -> None:
        async with running(tmp_path, told={"models": {"embed": embed}}) as box:
            page = (await box.get("/box", box.session("supervisor") | HTML))[1].decode()
            for said in ("embed_plain", "int8", "CPUExecutionProvider", CHOICE.replace("<GPU>", "&lt;GPU&gt;")):
                assert said in page

    run(check())


def test_what_became_of_faces_is_a_table_per_camera(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, told={"faces": FACES}) as box:
            page = (await box.get("/box", box.session("guard") | HTML))[1].decode()
            table = page.partition("Faces of door")[2].partition("</table>")[0]
            rows = re.findall(r'<th scope="row">([^<]+)</th><td>([\d,]+)</td><td>([\d,]+)</td>', table)
            assert rows == [("Too small", "2", "31"), ("Became a hit", "0", "1,200")]
            assert "No face has been counted yet." in page.partition("Faces of yard")[2]

    run(check())


def test_it_says_with_what_faces_are_compared_over_weeks(tmp_path: Path) -> None:
    compared = {"door": NOT_YET.format(3), "yard": WITH_WALK.format(5)}

    async def check() -> None:
        async with running(tmp_path, told={"faces": FACES, "comparisons": compared}) as box:
            headers = box.session("guard") | HTML
            page = (await box.get("/box", headers))[1].decode()
            assert (
                f"Over weeks: {compared['door']}." in page.partition("Faces of door")[2].partition("Faces of yard")[0]
            )
            german = (await box.get("/box", headers | {"Accept-Language": "de"}))[1].decode()
            assert "Gesichter werden noch nicht verglichen: Von der ersten Woche sind 3 von 7 Tagen gemessen." in german
            assert "bei der Abnahme verglichen; von der ersten Woche sind 5 von 7 Tagen gemessen" in german

    run(check())


def test_coverage_counts_from_the_installation_on(tmp_path: Path) -> None:
    with Store.open(tmp_path / "data") as store:
        store.coverage.begin().result()
        store.coverage.note([Watching("door", "watched")]).result()
        now = store.coverage.moment().wall + dt.timedelta(seconds=0.05)
        while store.coverage.moment().wall < now:
            store.coverage.note([Watching("door", "watched")]).result()
        shares = _coverage_shares(store, store.coverage.moment().wall, ["door"])["door"]
    assert shares["hours"] < 0.01
    assert shares["watched"] > 0.5, "what was before the installation is nobody's fault"
    assert abs(shares["watched"] + shares["blind"] + shares["paused"] - 1) < 1e-6


def test_every_audited_action_of_a_route_has_words() -> None:
    known = tomllib.loads((language.FOLDER / "en.toml").read_text("utf-8"))["audited"]
    actions = {action for route in TABLE for action in (route.view, route.change) if action}
    assert {action.replace(".", "_") for action in actions} <= known.keys()
    outcomes = tomllib.loads((language.FOLDER / "en.toml").read_text("utf-8"))["outcome"]
    assert {reason.value for reason in Reason} | {"match"} == outcomes.keys()


def test_the_audit_is_in_words(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("supervisor") | HTML
            page = (await box.get("/box", headers))[1].decode()
            audit = page.partition('id="audit-title"')[2]
            assert "added a user" in audit
            assert "added or changed a person" in audit
            assert "user.add" not in audit

    run(check())


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_day_of_too_many_changes_has_its_shares_and_says_why_it_is_not_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            await asyncio.wrap_future(box.store.coverage.begin())
            for state, reason in [("watched", ""), ("blind", "lost"), ("paused", "work")] * 4:
                await asyncio.wrap_future(box.store.coverage.note([Watching("door", state, reason)]))
                await asyncio.sleep(0.02)
            now = box.store.coverage.moment().wall
            drawn = _coverage_shares(box.store, now, ["door", "yard"])
            monkeypatch.setattr("edge.serve.page.box.box.MAX_CHANGES", 11)
            summed = _coverage_shares(box.store, now, ["door", "yard"])
            assert summed.keys() == drawn.keys()
            assert all(one["day"] is None for one in summed.values())
            for state in ("watched", "blind", "paused"):
                assert drawn["door"][state] > 0
                assert summed["door"][state] == pytest.approx(drawn["door"][state], abs=0.05)
            headers = box.session("guard") | HTML | {"Accept-Language": language}
            answer, body = await box.get("/box", headers)
            assert answer.status == 200
            said = {
                "en": "The day is not drawn: more than 11 changes",
                "de": "Der Tag wird nicht gezeichnet: mehr als 11",
            }
            assert said[language] in body.decode()
            assert ">0 min<" in body.decode(), "in minutes at first: 0.0 h would read as nothing"

    run(check())
