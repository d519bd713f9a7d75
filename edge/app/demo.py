"""The demo: renders the clip, enrols the person, runs the service, and checks the hit over HTTP and on the page."""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import secrets
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edge.app.build import load_models
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.app.service.service import RunningService
from edge.app.service.service import run as run_service
from edge.config import CameraConfig, Config, ServeConfig, load
from edge.pixels.encode import to_png
from edge.records import Person
from edge.store import Store

FAULT = "dark:4"
"""What the demo's camera lacks: light, which enhancement gives back. Sealed clips keep their own fault."""
PERSON = Person("demo-1", "Demo person", "demo")
WAIT_FOR_HIT_S = 90.0
_USER = "demo"


async def run(
    *, once: bool, port: int, say: Callable[[str], None], step: Callable[[str], None]
) -> dict[str, Any] | None:
    """Run the demo until stopped; with `once`, return the hit as it was pulled, or None where none came in time.

    `step` is told of each step as it begins, `say` what somebody needs to go on.
    """
    with tempfile.TemporaryDirectory(prefix="edge-demo-") as folder:
        root = Path(folder)
        step("Rendering a clip as a camera would see it in the dark")
        await asyncio.to_thread(demo_clip.render, root / "clip.avi", fault=FAULT)
        config = load().model_copy(
            update={
                "data_dir": root / "data",
                "serve": ServeConfig(port=port),
                "camera": (CameraConfig(name="demo", source=f"file:{root / 'clip.avi'}", loop=True),),
            }
        )
        step("Enrolling the person from the clean portrait (the first time, code is compiled: a minute or two)")
        token, link = await asyncio.to_thread(_enrol_person_and_user, config, root)
        found: list[dict[str, Any] | None] = []
        check: list[asyncio.Task[None]] = []

        async def prove(running: RunningService) -> None:
            try:
                found.append(await asyncio.to_thread(wait_for_hit, running.url, token, link))
            finally:
                running.stop()

        def on_ready(running: RunningService) -> None:
            if once:
                step(f"Waiting until the person has walked by, at most {WAIT_FOR_HIT_S:.0f} s")
                check.append(asyncio.get_running_loop().create_task(prove(running)))
                return
            say(
                f"\nThe page:   {running.url}/login/link?token={link}\n"
                "            (this link logs you in once, as a supervisor)"
            )
            step("The clip is played again and again; the person walks by within half a minute")
            say(f"The feed:   curl -H 'Authorization: Bearer {token}' '{running.url}/api/v1/alerts'\nStop with Ctrl-C.")

        step("Starting the service: models, camera, page")
        await run_service(config, kind="test", on_ready=on_ready)
        if check:
            await check[0]
        return found[0] if found else None


def _enrol_person_and_user(config: Config, root: Path) -> tuple[str, str]:
    picture = root / "portrait.png"
    picture.write_bytes(to_png(demo_clip.portrait()))
    models = load_models(config)
    with Store.open(config.data_dir) as store:
        enrol(store, models, PERSON, [picture])
        store.add_user(_USER, "supervisor", secrets.token_urlsafe(24)).result()
        return (
            store.add_token("demo-puller", ["alerts:read"]).result(),
            store.add_login_link(_USER, minutes=60 * 24).result(),
        )


def wait_for_hit(url: str, token: str, link: str) -> dict[str, Any] | None:
    """Pull until the alert comes, log in by the link, and look for the person on the hit's page and the first one.

    The hit must have its picture enhanced: that is what the demo shows.
    """
    deadline = time.monotonic() + WAIT_FOR_HIT_S
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    first = ""
    for alert in _pull_alerts(url, token, deadline):
        first = first or _get_page(browser, f"{url}/login/link?token={link}")
        if _is_shown(browser, url, alert):
            return {"hit": alert, "on_page": True, "seconds": round(WAIT_FOR_HIT_S - (deadline - time.monotonic()), 1)}
    return None


def _is_shown(browser: urllib.request.OpenerDirector, url: str, alert: dict[str, Any]) -> bool:
    """Whether the hit's page and the first one name the person, and the face is there as found and enhanced.

    A hit is told as soon as it is sure; a better picture of it, which comes with an update, may be the enhanced one.
    """
    names = [alert["images"][what] for what in ("crop", "enhanced")]
    if not all(names):
        return False
    pages = [_get_page(browser, f"{url}{path}") for path in ("/", f"/hits/{alert['hit_id']}")]
    try:
        pictures = [browser.open(f"{url}/api/v1/images/{name}", timeout=10).read() for name in names]
    except urllib.error.HTTPError as error:
        if error.code != 404:  # a still better one has taken its place
            raise
        return False
    return all(PERSON.name in page for page in pages) and all(data.startswith(b"\x89PNG") for data in pictures)


def _pull_alerts(url: str, token: str, deadline: float) -> Iterator[dict[str, Any]]:
    """What the feed tells of the person: the alert, then its updates."""
    after = ""
    while time.monotonic() < deadline:
        request = urllib.request.Request(
            f"{url}/api/v1/alerts?wait=5&limit=100{after}", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                page = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            time.sleep(float(error.headers.get("Retry-After", "1")))
            continue
        after = f"&after={page['next']}"
        for item in page["items"]:
            if item["type"].startswith("alert.") and item["person"]["id"] == PERSON.person_id:
                yield dict(item)


def _get_page(browser: urllib.request.OpenerDirector, url: str) -> str:
    with browser.open(url, timeout=10) as answer:
        return str(answer.read().decode("utf-8"))
