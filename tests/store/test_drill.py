"""A drill is a hit like any other, says everywhere that it is none, and never becomes part of a real visit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.errors import ConflictError, NotFoundError
from edge.store import Store
from edge.store.hits.reviews import Verdict, require_move
from tests.support.web import START, add_person, make_hit, person, run, running


def said(by: str, state: str) -> Verdict:
    return Verdict(by, START, state)


def test_a_drill_is_stored_sent_and_marked(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        with pytest.raises(NotFoundError, match="enrol somebody first"):
            store.drills.make("door", "gate-2").result(10)
        add_person(store, person(1))
        made = store.drills.make("door", "gate-2", "p1", by="gwen").result(10)
        hit = store.hit(made)
        assert hit is not None
        assert (hit.kind, hit.person.person_id, hit.camera) == ("drill", "p1", "door")
        assert store.image_path(hit.images.crop) is not None
        item = store.feed(None, 10).items[-1]
        assert (item.type, item.body["kind"]) == ("alert.created", "drill")
        row = store.audit_log.newest(limit=1)[0]
        assert (row.actor, row.action) == ("gwen", "drill.make")
        assert store.last_hit_of("p1", "door") is None, "a visit never goes on from a drill"
        real = make_hit(1)
        store.add_hit(*real).result(10)
        store.drills.make("door", "gate-2").result(10)
        assert store.last_hit_of("p1", "door").hit_id == real[0].hit_id
        assert store.forget_person("p1").result(10).hits == 3


def test_the_box_page_makes_one_and_every_page_marks_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            headers = box.session("supervisor")
            assert b'action="/box/drill"' in (await box.get("/box", headers))[1]
            assert (await box.post("/box/drill", {"camera": "none"}, headers))[0].status == 422
            answer, _ = await box.post("/box/drill", {"camera": "door"}, headers)
            assert answer.status == 303
            for path in (answer.headers["Location"], "/hits", "/now/hits"):
                assert "\u00b7 drill" in (await box.get(path, headers))[1].decode(), path
            hit_id = answer.headers["Location"].rsplit("/", 1)[1]
            _, body = await box.get(f"/api/v1/alerts/{hit_id}", box.token())
            assert json.loads(body)["kind"] == "drill"

    run(check())


@pytest.mark.parametrize(
    ("before", "move"),
    [
        ([said("a", "acknowledged")], said("b", "acknowledged")),
        ([said("a", "confirmed")], said("b", "acknowledged")),
        ([said("a", "confirmed"), said("b", "rejected")], said("a", "acknowledged")),
        ([said("a", "rejected")], said("a", "rejected")),
    ],
)
def test_moves_that_cant_follow_are_conflicts(before: list, move: object) -> None:
    with pytest.raises(ConflictError) as caught:
        require_move(before, move)
    assert caught.value.http_status == 409


def test_moves_that_may_follow() -> None:
    require_move([], said("a", "acknowledged"))
    require_move([said("a", "acknowledged")], said("a", "confirmed"))
    require_move([said("a", "confirmed")], said("a", "rejected"))
    require_move([said("a", "confirmed")], said("b", "confirmed"))
