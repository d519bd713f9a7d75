"""The acceptance walk on the page: who may, what it asks for, what it shows, and the sheet's very bytes."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from edge.app.commission.terminal import STATION_S
from edge.capture.health import SIGHT_ADVICE
from edge.errors import ConflictError, NotFoundError
from edge.records import CameraState
from edge.serve.board import Condition
from edge.serve.page.wording.language import Translate
from edge.serve.ports import CommissionView, StationView
from edge.store.coverage.pause import Pause
from tests.support.web import START, Switch, WebSide, add_person, camera_health, person, run, running

SHEET = b"<!doctype html><p>signed</p>\n"


class Walk:
    """Stands in for the vision side: remembers what was asked."""

    def __init__(self) -> None:
        self.state = CommissionView()
        self.asked: list[tuple[object, ...]] = []
        self.made: bytes | None = None

    def view(self) -> CommissionView:
        return self.state

    async def begin(self, camera: str, person_id: str) -> None:
        if person_id == "nobody":
            raise NotFoundError("'nobody' is not on the list (there: ann, bob); enrol the walker")
        self.asked.append(("begin", camera, person_id))
        self.state = CommissionView(state="ready", camera=camera, person_id=person_id)

    async def measure(self, metres: float, light: str) -> None:
        self.asked.append(("measure", metres, light))
        one = StationView(light, round(metres), 40, 31.0, 0.6, 0.4, 0.71, True)
        self.state = CommissionView(
            state="measuring",
            metres=metres,
            light=light,
            seconds_left=12.4,
            stations=(one,),
            sentence="Recognises at 3 m.",
        )

    async def finish(self, by: str, language: str) -> None:
        if not self.state.stations:
            raise ConflictError("nothing was measured yet")
        self.asked.append(("finish", by))
        self.made, self.state = SHEET, CommissionView(state="done")

    async def cancel(self) -> None:
        self.asked.append(("cancel",))
        self.state = CommissionView()

    def sheet(self) -> bytes | None:
        return self.made


async def page(box: WebSide, headers: dict[str, str]) -> tuple[int, str]:
    async with box.http.get(box.url + "/commission", headers=headers) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("role", ["installer", "supervisor"])
def test_a_walk_from_its_beginning_to_the_sheet(tmp_path: Path, role: str) -> None:
    async def check() -> None:
        walk = Walk()
        async with running(tmp_path, walk=walk) as box:
            who = box.session(role)
            status, text = await page(box, who)
            assert status == 200
            assert "Who walks?" in text
            assert 'http-equiv="refresh"' not in text
            done, _ = await box.post("/commission", {"action": "begin", "camera": "door", "person": " ann "}, who)
            assert done.status == 303
            text = (await page(box, who))[1]
            assert "Next station" in text
            assert "Write and sign" not in text, "nothing was measured yet"
            await box.post("/commission", {"action": "measure", "metres": "3", "light": "night"}, who)
            status, text = await page(box, who)
            assert 'http-equiv="refresh" content="2"' in text, "the page follows without a script"
            assert "12\u00a0s left" in text
            assert "Recognises at 3 m." in text
            await box.post("/commission", {"action": "finish"}, who)
            assert walk.asked == [("begin", "door", "ann"), ("measure", 3.0, "night"), ("finish", f"a-{role}")]
            text = (await page(box, who))[1]
            assert "Its sheet is written and signed." in text
            assert "Nothing has been measured yet." not in text
            async with box.http.get(box.url + "/commission/sheet", headers=who) as answer:
                assert await answer.read() == SHEET
                assert "attachment" in answer.headers["Content-Disposition"]

    run(check())


def test_people_are_offered_with_pictures_and_an_installer_is_offered_walkers_alone(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, walk=Walk()) as box:
            supervisor, installer = box.session("supervisor"), box.session("installer")
            text = (await page(box, supervisor))[1]
            assert text.count('type="radio" name="person"') == 2
            assert "Rosa Alba" in text
            text = (await page(box, installer))[1]
            assert "Nobody who may walk is on the list." in text
            assert "Rosa" not in text
            assert (await box.get("/commission/people/p1/picture", installer))[0].status == 404
            await asyncio.to_thread(add_person, box.store, replace(person(3), status="commissioning"))
            text = (await page(box, installer))[1]
            assert text.count('type="radio" name="person"') == 1
            assert 'src="/commission/people/p3/picture"' in text
            for path, who in (("p3", installer), ("p1", supervisor)):
                answer, body = await box.get(f"/commission/people/{path}/picture", who)
                assert (answer.status, body[:3]) == (200, b"\x89PN"), path

    run(check())


def test_a_limit_is_proposed_for_the_site(tmp_path: Path) -> None:
    async def check() -> None:
        walk = Walk()
        async with running(tmp_path, walk=walk) as box:
            who = box.session("installer")
            one = StationView("day", 3, 40, 31.0, 0.6, 0.4, 0.71, True)
            walk.state = CommissionView(
                "ready", stations=(one,), limit=0.5, proposed_limit=0.4321, proposed_one_in=10_000.0
            )
            text = (await page(box, who))[1]
            assert "Similarity limit in force: 0.50." in text
            assert "Proposed for this site: 0.43. Of strangers, at most one in 10,000 reaches it." in text
            assert "edge watchlist calibrate --write" in text
            walk.state = CommissionView("ready", stations=(one,), limit=0.5)
            assert "be proposed" in (await page(box, who))[1]

    run(check())


def test_a_distance_without_a_face_says_so_and_has_no_figures(tmp_path: Path) -> None:
    async def check() -> None:
        walk = Walk()
        async with running(tmp_path, walk=walk) as box:
            none = StationView("day", 7, 0, 0.0, 0.0, 0.0, 0.0, False, "no face was seen")
            walk.state = CommissionView("ready", camera="door", person_id="p1", stations=(none,))
            text = (await page(box, box.session("supervisor")))[1]
            row = text.partition('<th scope="row">7 m</th>')[2].partition("</tr>")[0]
            assert "not recognised" in row
            assert '<span>not recognised<br><span class="small soft">no face was seen</span></span>' in row, "one cell"
            assert "0.00" not in row
            assert row.count(">no face<") == 2
            assert "camera door · Rosa Alba" in text, "who walks, and where"
            text = (await page(box, box.session("supervisor") | {"Accept-Language": "de"}))[1]
            assert "kein Gesicht gesehen" in text
            short = StationView("day", 6, 2, 40.0, 0.6, 0.4, 0.7, False, "too few good faces", is_judged=False)
            walk.state = CommissionView("ready", camera="door", person_id="p1", stations=(short,))
            row = (await page(box, box.session("supervisor")))[1].partition('<th scope="row">6 m</th>')[2]
            assert "not judged" in row.partition("</tr>")[0]
            assert "not recognised" not in row.partition("</tr>")[0]

    run(check())


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    async def check() -> None:
        walk = Walk()
        async with running(tmp_path, walk=walk) as box:
            who = box.session("installer")
            for form in (
                {"action": "begin", "camera": "roof", "person": "ann"},
                {"action": "measure", "metres": "far", "light": "day"},
                {"action": "measure", "metres": "nan", "light": "day"},
                {"action": "measure", "metres": "-1", "light": "day"},
                {"action": "measure", "metres": "2.5", "light": "day"},
                {"action": "measure", "metres": "0", "light": "day"},
                {"action": "measure", "metres": "9" * 400, "light": "day"},
                {"action": "measure", "metres": "2", "light": "dusk"},
                {"action": "dance"},
                {},
            ):
                answer, _ = await box.post("/commission", form, who)
                assert 400 <= answer.status < 500, form
            answer, text = await box.post("/commission", {"action": "begin", "camera": "door", "person": "nobody"}, who)
            assert answer.status == 422
            assert b"enrol the walker" in text
            assert b"bob" not in text, "an installer may not see who is on the list"
            answer, text = await box.post("/commission", {"action": "finish"}, who)
            assert answer.status == 422
            async with box.http.get(box.url + "/commission/sheet", headers=who) as missing:
                assert missing.status == 404
            assert walk.asked == []

    run(check())


def test_nothing_is_measured_while_nobody_could_be_recognised(tmp_path: Path) -> None:
    """Else the sheet would say that the camera recognises nobody, or everybody at every distance."""
    frozen, off = camera_health(CameraState.FROZEN), Condition("schedule", "off", START, "by its hours", ("door",))
    form = {"action": "measure", "metres": "3", "light": "day"}

    async def check() -> None:
        walk, switch = Walk(), Switch(Pause("Ann", "works", START, START + dt.timedelta(days=9000)))
        async with running(tmp_path, walk=walk, recognition=switch) as box:
            who = box.session("installer") | {"Accept-Language": "de"}
            walk.state = CommissionView("ready", camera="door", person_id="p1")

            async def refusal() -> str:
                answer, text = await box.post("/commission", form, who)
                assert answer.status == 422
                return text.decode()

            assert "die Erkennung ist pausiert: fortsetzen, dann messen." in await refusal()
            switch.pause_now = None
            box.live.publish_conditions([off])
            assert "ist außerhalb ihrer Zeiten" in await refusal()
            box.live.publish_conditions([])
            box.live.publish_health([frozen])
            assert "gibt jetzt kein Livebild" in await refusal()
            assert walk.asked == []
            for state, said in SIGHT_ADVICE.items():
                if state not in (CameraState.FROZEN, CameraState.MOVED):
                    box.live.publish_health([camera_health(state, said)])
                    text = await refusal()
                    assert "sieht zum Messen zu wenig: " in text, state
                    assert '<span lang="en">' not in text, state
            assert walk.asked == []
            for state in (CameraState.DARK, CameraState.MOVED, CameraState.LIVE):
                box.live.publish_health([camera_health(state)])
                assert (await box.post("/commission", form, who))[0].status == 303, state

    run(check())


def test_a_station_without_pictures_says_so(tmp_path: Path) -> None:
    async def check() -> None:
        walk = Walk()
        async with running(tmp_path, walk=walk) as box:
            walk.state = CommissionView("ready", camera="door", person_id="p1", metres=4.0, is_unseen=True)
            assert "Hardly a picture came while 4 m was measured" in (await page(box, box.session("installer")))[1]

    run(check())


def test_only_an_installer_finds_it_in_the_navigation(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, walk=Walk()) as box:
            seen = {}
            for role in ("installer", "supervisor", "guard"):
                async with box.http.get(box.url + "/box", headers=box.session(role)) as answer:
                    seen[role] = (await answer.text()).count('href="/commission"')
            assert seen == {"installer": 2, "supervisor": 1, "guard": 0}
            assert (await page(box, box.session("guard")))[0] == 403

    run(check())


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_page_says_how_long_a_measurement_takes(language: str) -> None:
    assert f" {STATION_S:.0f} s;" in Translate(language)("commission.station_help")
