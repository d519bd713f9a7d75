"""A camera's last day as a picture: pieces of time by their worst state, and nothing where nothing was recorded."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from pathlib import Path

from edge.serve.page.box.day import SLOTS, pieces
from edge.store import Span, Watching
from edge.store.coverage.timeline import NOT_RECORDED
from tests.support.serve.whole_box import whole_box
from tests.support.web import run, running

START = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
END = START + dt.timedelta(hours=24)
SLOT = dt.timedelta(minutes=10)


def at(hours: float) -> dt.datetime:
    return START + dt.timedelta(hours=hours)


def test_neighbouring_places_of_one_state_are_one_piece() -> None:
    spans = (
        Span(at(-2), at(6), "watched"),
        Span(at(6), at(9), "paused", "work", "anna"),
        Span(at(9), at(24), "watched"),
    )
    found = [(one.state, one.at, one.width, one.start, one.end) for one in pieces(spans, START, END)]
    assert found == [
        ("watched", 0, 36, START, at(6)),
        ("paused", 36, 18, at(6), at(9)),
        ("watched", 54, 90, at(9), END),
    ]


def test_a_short_blind_time_stays_in_view_with_its_own_times() -> None:
    lost, back = at(6) + dt.timedelta(minutes=3), at(6) + dt.timedelta(minutes=3, seconds=5)
    spans = (Span(START, lost, "watched"), Span(lost, back, "blind", "lost"), Span(back, END, "watched"))
    blind = pieces(spans, START, END)[1]
    assert (blind.state, blind.at, blind.width, blind.start, blind.end) == ("blind", 36, 1, lost, back)


def test_what_was_before_the_installation_is_left_blank() -> None:
    spans = (Span(START, at(20), "blind", NOT_RECORDED), Span(at(20), END, "watched"))
    (only,) = pieces(spans, START, END)
    assert (only.state, only.at, only.at + only.width) == ("watched", 120, SLOTS)
    assert pieces((), START, END) == ()


def test_the_box_page_draws_it_and_says_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made:
            headers = made.box.session("guard") | {"Accept": "text/html"}
            page = (await made.box.get("/box", headers))[1].decode()
            pictures = re.findall(r'<svg viewBox="0 0 144 12".*?aria-label="([^"]+)">(.*?)</svg>', page, re.DOTALL)
            clock = r"\d\d:\d\d to \d\d:\d\d"
            (door, door_drawn), (yard, yard_drawn) = pictures
            assert re.fullmatch(rf"door, the last 24 hours: Paused {clock}", door)
            assert re.fullmatch(rf"yard, the last 24 hours: Blind {clock}, Paused {clock}(, Blind {clock})?", yard)
            assert 'class="blind"' in yard_drawn
            assert 'class="blind"' not in door_drawn

    run(check())


def test_a_box_of_the_first_hour_has_nothing_to_draw_yet(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            await asyncio.wrap_future(box.store.coverage.begin())
            for _ in range(2):
                await asyncio.wrap_future(box.store.coverage.note([Watching("door", "watched")]))
            page = (await box.get("/box", box.session("guard") | {"Accept": "text/html"}))[1].decode()
            assert 'data-label="Watched"' in page
            assert 'class="days"' not in page

    run(check())
