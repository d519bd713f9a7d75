"""A real Chromium for tests: no console error and no request to another host goes unnoticed.

Imported only by tests that have made sure that Chromium and Playwright are there.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT
from tests.support.web import WebSide

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SCREENS = ROOT / "build" / "screens"
DOCUMENTS = Path(os.environ.get("EDGE_TEST_SCREENSHOTS") or SCREENS)
"""Where the documents' pictures go: docs/images when they are made anew, else where nobody commits them."""
MAX_DOCUMENT_BYTES = 150_000
WIDE, NARROW = (1280, 900), (360, 740)
SLOW_MS = 60_000
"""How long a page may take on a machine that does much else; only what fails waits for it."""


def require_chromium() -> Any:
    """Playwright's module; skips the calling file by name where it or Chromium is missing."""
    module = pytest.importorskip("playwright.async_api", reason="needs Playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium", allow_module_level=True)
    return module


@contextlib.asynccontextmanager
async def browsing(
    url: str,
    size: tuple[int, int] = WIDE,
    scheme: str = "dark",
    *,
    may_fail: tuple[str, ...] = (),
    options: tuple[str, ...] = (),
    **more: Any,
) -> AsyncIterator[Any]:
    """A page of a fresh browser; on leaving, no console error and no foreign request may have happened.

    `may_fail`: parts of console lines that are expected, such as the status of a form that is refused; `options` are
    Chromium's own.
    """
    playwright = require_chromium()
    complaints: list[str] = []

    def complain(text: str) -> None:
        if not any(part in text for part in may_fail):
            complaints.append(text)

    async with playwright.async_playwright() as starter:
        browser = await starter.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", *options],
        )
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, timezone_id="UTC", **more
        )
        page = await context.new_page()
        page.set_default_timeout(SLOW_MS)
        page.on("pageerror", lambda error: complain(f"script: {error}"))
        page.on("console", lambda line: complain(f"console: {line.text}") if line.type == "error" else None)
        page.on("request", lambda asked: None if asked.url.startswith((url, "data:")) else complain(asked.url))
        yield page
        await context.close()
        await browser.close()
    assert not complaints, complaints


async def shoot(page: Any, name: str, *, full: bool = True) -> None:
    """Keep a picture of the page, and check that nothing sticks out sideways."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=SCREENS / f"{name}.png", full_page=full)
    too_wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, f"{name}: {too_wide} px wider than the window"


async def tells_its_age(page: Any) -> None:
    """Wait until the live picture of the door says that it is of the last two seconds."""
    await page.wait_for_function(
        "(age => age > 0 && age < 2000)(Number(document.querySelector('[data-camera=door]').dataset.ageMs))"
    )


async def shoot_document(page: Any, name: str, height: int) -> None:
    """Keep a picture for README and docs, `height` px of the page from its top, as a small JPEG."""
    path = DOCUMENTS / f"{name}.jpg"
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": height}
    picture = await page.screenshot(path=path, type="jpeg", quality=72, full_page=True, clip=clip)
    assert len(picture) < MAX_DOCUMENT_BYTES, f"{path.name} is too large for the repository"


def find_axe() -> Path | None:
    """axe-core's script: EDGE_TEST_AXE, or the one that the development packages bring."""
    places = [Path(os.environ["EDGE_TEST_AXE"])] if os.environ.get("EDGE_TEST_AXE") else []
    if (found := importlib.util.find_spec("axe_playwright_python")) is not None and found.origin:
        places.append(Path(found.origin).parent / "axe.min.js")
    return next((place for place in places if place.is_file()), None)


async def serious_faults(page: Any, axe: Path) -> list[str]:
    """What axe-core finds serious or critical on the page as it is shown; the page needs `bypass_csp`."""
    await page.evaluate(await asyncio.to_thread(axe.read_text, "utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = await page.evaluate("(tags) => axe.run({ runOnly: { type: 'tag', values: tags } })", tags)
    return [
        f"{fault['id']}: {fault['nodes'][0]['target']} {fault['nodes'][0]['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in {"serious", "critical"}
    ]


async def log_in(box: WebSide, page: Any, user: str = "a-supervisor") -> None:
    """Follow a one-time link, as the demo prints it."""
    secret = await asyncio.wrap_future(box.store.add_login_link(user, 5))
    await page.goto(f"{box.url}/login/link?token={secret}")
