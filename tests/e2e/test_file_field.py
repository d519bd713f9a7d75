"""The field for files speaks the page's language, and takes files by choice, by drop and by keyboard."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.e2e.browser import WIDE, browsing, log_in, require_chromium
from tests.support.serve.whole_box import whole_box
from tests.support.web import run

require_chromium()

DROP = """(place) => {
  const data = new DataTransfer();
  data.items.add(new File(["x"], "gelb.png", { type: "image/png" }));
  place.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""


@pytest.mark.parametrize(
    ("language", "one", "several"), [("en", "Choose a file", "Choose files"), ("de", "Datei wählen", "Dateien wählen")]
)
def test_the_field_says_in_the_pages_language_what_was_chosen(
    tmp_path: Path, language: str, one: str, several: str
) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made, browsing(made.box.url, WIDE, locale=language) as page:
            await log_in(made.box, page)
            opened = asyncio.Event()
            page.on("filechooser", lambda _: opened.set())  # long before the key, or the browser shows its own window
            await page.goto(f"{made.box.url}/examine")
            picked = page.locator("[data-drop] .picked")
            assert await picked.inner_text() == one
            field = page.locator("[data-drop] input")
            await field.set_input_files({"name": "tor.png", "mimeType": "image/png", "buffer": b"x"})
            await picked.get_by_text("tor.png").wait_for()
            await page.locator("[data-drop]").evaluate(DROP)
            await picked.get_by_text("gelb.png").wait_for()
            await field.focus()
            assert await page.locator("[data-drop]").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
            await page.keyboard.press("Enter")
            await asyncio.wait_for(opened.wait(), 60)
            await page.goto(f"{made.box.url}/people/new")
            assert await picked.inner_text() == several
            names = [{"name": f"{n}.png", "mimeType": "image/png", "buffer": b"x"} for n in range(4)]
            await field.set_input_files(names)
            await picked.get_by_text("4 files" if language == "en" else "4 Dateien").wait_for()

    run(check())
