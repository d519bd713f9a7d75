"""The whole page in German, of a box with hits, examinations, a walk, a lost camera, a pause and faults: no English."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.serve.page.wording.language import Translate
from edge.serve.safe_page import Trouble, _page
from tests.support.serve.german import english_in
from tests.support.serve.whole_box import PAGES, WholeBox, whole_box
from tests.support.web import run

GERMAN = {"Accept": "text/html", "Accept-Language": "de"}


@pytest.mark.parametrize("is_bad", [False, True])
def test_no_page_of_a_night_has_a_word_of_english(tmp_path: Path, is_bad: bool) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made:
            if is_bad:
                made.go_wrong()
            found: dict[str, list[str]] = {}
            for role in ("guard", "supervisor", "installer", "auditor"):
                headers = made.box.session(role) | GERMAN
                parts = ("/now/hits", "/now/health", "/now/conditions") if role == "guard" else ()
                for path in (*PAGES.values(), *(f"/hits/{one}" for one in made.hits), *parts):
                    answer, body = await made.box.get(path, headers)
                    assert answer.status in (200, 403, 404), path
                    found[f"{role} {path}"] = english_in(body.decode())
                await _walk(made, headers, found)
            assert {path: texts for path, texts in found.items() if texts} == {}

    run(check())


async def _walk(made: WholeBox, headers: dict[str, str], found: dict[str, list[str]]) -> None:
    for state in ("measuring", "ready", "done"):
        made.walk.begin_at(state)
        _, body = await made.box.get("/commission", headers)
        found[f"walk {state} {len(found)}"] = english_in(body.decode())
    made.walk.state = type(made.walk.state)()


def test_what_forms_answer_is_german(tmp_path: Path) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made:
            headers, found = made.box.session("supervisor") | GERMAN, {}
            forms = (
                ("/login", {"user": "a-guard", "password": "x"}),
                ("/claim", {"code": "AAAA-BBBB-CCCC", "user": "ann", "password": "x" * 20}),
                ("/people/p1/edit", {"name": "", "status": "x"}),
                ("/people/p1/erase", {"confirm": "p2"}),
                ("/people/p2/erase", {"confirm": "p2"}),
                ("/box/pause", {"reason": "", "minutes": "15"}),
                ("/box/users", {"user": "a-guard", "role": "guard", "password": "x" * 20}),
                ("/box/password", {"current": "x", "password": "y" * 20}),
                ("/box/drill", {"camera": "nirgends"}),
                (f"/hits/{made.hits[3]}/review", {"verdict": "nonsense"}),
                ("/examine/snapshot", {"camera": "nirgends"}),
                ("/commission", {"action": "measure", "metres": "x", "light": "day"}),
                ("/language", {"language": "xx"}),
            )
            for path, form in forms:
                answer, body = await made.box.post(path, form, headers)
                if answer.status != 303:
                    found[f"{path} {answer.status}"] = english_in(body.decode())
            assert len(found) > 8, found.keys()
            assert {path: texts for path, texts in found.items() if texts} == {}

    run(check())


def test_the_page_of_a_service_that_can_not_start_is_german() -> None:
    reason = "/var/lib/edge/edge.db: the disk fails to read or write; look at the kernel log, and replace the disk"
    page = _page(Translate("de"), Trouble("storage", reason, "2026-03-04 05:06", 300))
    assert not english_in(page)
    assert "die Platte ersetzen" in page


def test_english_is_found_where_it_is() -> None:
    assert english_in("<p>Recognition paused until 16:35 by Ann: works</p>")
    assert english_in("<p>No possible match in view.</p>")
    assert english_in("<p>the picture is dark</p>")
    assert english_in('<p lang="en">dark</p>')
    assert english_in('<img alt="Face as found">')
    assert not english_in("<p>Keine mögliche Übereinstimmung im Bild.</p>")
