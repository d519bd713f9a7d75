"""A list over HTTP that says a thing twice, or is sent again after somebody changed it on the appliance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.serve.people import any_png, people_for, picture  # noqa: F401
from tests.support.serve.web_client import send
from tests.support.web import run, running

LIST = "/api/v1/watchlist"


pytestmark = pytest.mark.usefixtures("any_png")


def test_a_list_that_is_twice_in_a_body_erases_nobody(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"If-Match": "*", "Content-Type": "application/json"}
            body = b'{"people":[{"id":"p1","name":"A","status":"b"},{"id":"p2","name":"B","status":"b"}],"people":[]}'
            status, problem, _ = await send(box, "PUT", LIST, key, body)
            assert (status, problem["detail"]) == (422, "the body: Invalid JSON: the key 'people' appears twice")
            status, problem, _ = await send(box, "PUT", f"{LIST}/p1", key, b'{"name":"A","name":"B","status":"b"}')
            assert (status, "'name' appears twice" in problem["detail"]) == (422, True)
            assert [person.person_id for person in box.store.people()] == ["p1", "p2"]

    run(check())


@pytest.mark.parametrize("is_whole", [True, False])
def test_a_picture_that_was_set_aside_stays_so_when_it_is_sent_again(tmp_path: Path, is_whole: bool) -> None:
    """A central server sends its list every night; it does not know that somebody found a picture to be wrong."""

    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"If-Match": "*"}
            entry = {"name": "Rosa", "status": "banned"}

            async def put(*seeds: int) -> Any:
                given = entry | {"pictures": [picture(seed) for seed in seeds]}
                path, body = (LIST, {"people": [given | {"id": "p1"}]}) if is_whole else (f"{LIST}/p1", given)
                status, told, _ = await send(box, "PUT", path, key, body)
                assert status == 200
                return told["people"][0]

            assert (await put(6, 7))["warning"] is None
            wrong = next(one.reference_id for one in box.store.references(person_id="p1") if one.source == "7.png")
            box.store.calibration.set_aside(wrong).result(10)
            told = await put(6, 7)
            assert box.store.calibration.set_aside_ids() == {wrong}
            assert ["set aside" in one["message"] for one in told["pictures"]] == [False, True]
            assert told["warning"] is None
            told = await put(7)
            assert "every picture of this person was set aside" in told["warning"]
            assert box.store.calibration.set_aside_ids() == {wrong}

    run(check())
