"""What callers send costs no more than its bytes are worth: counted steps, never milliseconds."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import ValidationError

from edge.serve.api import watchlist, watchlist_schema
from edge.serve.http.problems import RequestError
from tests.support.serve.people import any_png, people_for  # noqa: F401
from tests.support.serve.web_client import send
from tests.support.web import run, running

LIST = "/api/v1/watchlist"
ONE = b'{"id":"a","name":"n","status":"s"'

pytestmark = pytest.mark.usefixtures("any_png")


class CountedId(str):
    """An id that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        CountedId.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_an_id_given_twice_is_found_in_one_pass() -> None:
    ids = [CountedId(f"{number:05d}") for number in range(2000)]
    ids.append(CountedId("00000"))
    people = [SimpleNamespace(id=one, name="n", status="s", pictures=None) for one in ids]
    for one in people:
        one.expires_at = one.reason = one.owner = None
    CountedId.compared = 0
    with pytest.raises(RequestError, match="'00000' more than once"):
        watchlist._entries(cast(watchlist_schema.WatchlistPut, SimpleNamespace(people=people)))
    assert CountedId.compared <= len(ids)


@pytest.mark.parametrize(
    "body",
    [
        b'{"people":[' + b",".join([b"{}"] * 9000) + b"]}",
        b'{"people":[' + b",".join([b"{}"] * 11_000) + b"]}",
        b'{"people":[' + b"[]," * 600_000 + b"[]]}",
        b'{"people":[' + ONE + b"," + b",".join(b'"%05d":0' % n for n in range(20_000)) + b"}]}",
        b'{"people":[' + ONE + b',"pictures":[' + b",".join([b"{}"] * 20_000) + b"]}]}",
        b'{"people":[' + ONE + b',"pictures":[{' + b",".join(b'"%05d":0' % n for n in range(20_000)) + b"}]}]}",
        b"{" + b",".join(b'"%05d":0' % n for n in range(20_000)) + b"}",
        b'{"people":{' + b",".join(b'"%05d":0' % n for n in range(20_000)) + b"}}",
        b'{"people":"' + b"x" * 100_000 + b'"}',
    ],
)
def test_a_body_of_mistakes_is_left_at_the_first_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    mistakes: list[int] = []
    answer = watchlist._validation_error

    def counted(error: ValidationError, *more: Any) -> RequestError:
        mistakes.append(error.error_count())
        return answer(error, *more)

    monkeypatch.setattr(watchlist, "_validation_error", counted)

    async def check() -> None:
        async with running(tmp_path, people=people_for) as box:
            key = box.token("watchlist:write") | {"If-Match": "*", "Content-Type": "application/json"}
            for path in (LIST, f"{LIST}/p1"):
                status, problem, _ = await send(box, "PUT", path, key, body)
                assert (status, problem["status"]) == (422, 422)
                assert len(json.dumps(problem)) < 1000
            assert [person.person_id for person in box.store.people()] == ["p1", "p2"]

    run(check())
    assert sum(mistakes) <= 300
