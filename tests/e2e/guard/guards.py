"""What the tests of a guard's shift share: window, loud status, a hit of just now."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace
from typing import Any

from edge.config import StatusConfig
from tests.support.web import WebSide, make_hit, person

DESK = (1280, 800)
LOUD = {"banned": StatusConfig(words="Call the shift lead", severity="urgent", repeat_s=1)}
PAGES = ("/", "/hits", "/people", "/box")


async def rectangle(page: Any, selector: str) -> tuple[float, float]:
    """Top and bottom of an element in the window."""
    box = await page.locator(selector).first.bounding_box()
    return box["y"], box["y"] + box["height"]


async def add_hit(box: WebSide, number: int, *, enhanced: bool = True) -> str:
    """A hit that began just now."""
    hit, images = make_hit(number, person(2), enhanced=enhanced)
    now = dt.datetime.now(dt.UTC)
    visit = replace(hit.visit, first_at=now - dt.timedelta(minutes=2), last_at=now, best_at=now)
    await asyncio.wrap_future(box.store.add_hit(replace(hit, visit=visit), images))
    return hit.hit_id
