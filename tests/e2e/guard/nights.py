"""What the tests of a night with the real service share: its settings, claiming the box, logging in, enrolling."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.e2e.browser import shoot
from tests.support.appliance import Appliance

PASSWORD = "correct horse 1"
SETTINGS = '[review]\nsecond_person_for = ["wanted"]\nurgent_for = ["wanted"]\n[visit]\ngap_s = 0.3\n'


def claim_code(box: Appliance) -> str:
    """The code as an installer reads it in the log."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (found := re.search(r"enter the code ([A-Z0-9-]+)", box.log())) is not None:
            return found[1]
        time.sleep(0.1)
    raise AssertionError("no code was printed")


def run_night(folder: Path, clip: Path, portrait: Path, night: Any, *, more: str = "") -> None:
    """Run `night` against a service that watches the clip, with nobody enrolled and nobody able to log in."""
    box = Appliance(folder, camera=clip, more=SETTINGS + more)
    with box.running():
        code = claim_code(box)
        asyncio.run(night(box, code, portrait))
    log = box.log()
    assert "Traceback" not in log
    assert "Rosa" not in log


async def claim(page: Any, box: Appliance, code: str) -> None:
    await page.goto(f"{box.url}/hits")
    assert page.url == f"{box.url}/claim"
    assert await page.locator("img:not([src*='/static/'])").count() == 0
    await shoot(page, "claim")
    await page.get_by_label("Code", exact=True).fill("AAAA-BBBB-CCCC")
    await page.get_by_label("Your user name").fill("anna")
    await page.get_by_label("A password").fill(PASSWORD)
    await page.get_by_role("button", name="Claim").click()
    await page.get_by_text("This is not the code").wait_for()
    await page.get_by_label("Code", exact=True).fill(code.lower())
    await page.get_by_label("A password").fill(PASSWORD)
    await page.get_by_role("button", name="Claim").click()
    await page.locator("[data-camera=door]").wait_for()


async def log_in(page: Any, box: Appliance, name: str) -> None:
    await page.goto(f"{box.url}/login")
    await page.get_by_label("User").fill(name)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.locator("[data-camera=door]").wait_for()


async def enrol(page: Any, box: Appliance, portrait: Path, folder: Path) -> None:
    """One person with a good and a bad picture."""
    bad = folder / "wall.png"
    cv2.imwrite(str(bad), np.full((240, 240, 3), 130, np.uint8))
    await page.get_by_role("link", name="People").click()
    await page.locator("#main").get_by_role("link", name="Add a person").click()
    await page.get_by_label("Id").fill("rosa-1")
    await page.get_by_label("Name").fill("Rosa")
    await page.get_by_label("Status").fill("wanted")
    await page.get_by_label("Pictures of the face").set_input_files([portrait, bad])
    await page.get_by_role("button", name="Save").click()
    await page.get_by_text("is on the list with 1 new picture.").wait_for()
    await page.get_by_text("No face was found").wait_for()
    await shoot(page, "person-added")
