"""The page opens first, says what is still being prepared, and stays open while the rest takes its place."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from edge.app.service.start.listener import open_page
from edge.app.service.start.preparing import WORDS, NobodyYet, PreparingPage
from edge.config import CameraConfig, Config, ServeConfig
from edge.errors import ServiceError
from edge.serve import change, close_port, end_gently, start
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.words import Words
from edge.store import Store


async def announce(store: Store, url: str) -> None:
    pass


def test_the_page_needs_nothing_heavy() -> None:
    code = (
        "import sys, edge.cli.installers.run, edge.app.service.service; print([m for m in HEAVY if m in sys.modules])"
    )
    code = f"HEAVY = ('cv2', 'numba', 'onnxruntime', 'av', 'edge.app.build', 'edge.pipeline')\n{code}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_is_open_while_models_are_loaded_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    camera = CameraConfig(name="door", source="file:clip.mp4")
    config = Config(data_dir=tmp_path, serve=ServeConfig(port=0), camera=[camera])

    async def scenario(store: Store) -> None:
        stopped = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack, aiohttp.ClientSession() as session:
            first = PreparingPage(config, store)
            page = await open_page(stack, first.app(), config, store, announce)
            assert [one["step"] for one in first.status()["preparing"]] == ["program"]
            work = asyncio.create_task(first.prepare(page, stopped, "test"))
            while not work.done():
                async with session.get(f"{page.url}/livez") as answer:
                    assert answer.status == 200
                await asyncio.sleep(0.01)
            models, pipeline = await work
            assert first.status()["preparing"] == []
            for step in ("program", "models", "kernels"):  # in the log: some pass faster than anybody can ask
                assert f"preparing: {WORDS[step]}" in caplog.text
            assert pipeline.active_list.people == {}
            assert models.hashes.keys() == {"detect", "embed"}

    with Store.open(tmp_path) as store:
        asyncio.run(scenario(store))


def test_the_address_that_is_told_can_be_opened(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    config = Config(data_dir=tmp_path, serve=ServeConfig(host="0.0.0.0", port=0, tls="off"))
    told: list[str] = []

    async def note(store: Store, url: str) -> None:
        told.append(url)

    async def scenario(store: Store) -> None:
        async with contextlib.AsyncExitStack() as stack:
            await open_page(stack, PreparingPage(config, store).app(), config, store, note)

    with Store.open(tmp_path) as store:
        asyncio.run(scenario(store))
    assert told[0].startswith(f"http://{socket.gethostname()}:")
    assert f"serving on {told[0]}" in caplog.text
    assert "0.0.0.0" not in caplog.text


def test_the_list_is_not_changed_before_the_box_is_ready(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match="still being prepared"):
        asyncio.run(NobodyYet().forget("p1", by="anna"))


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "fitting the program to this box, which only the first start does, 3 of 7; loading and"),
        ("de", "das Programm wird an diese Box angepasst, nur beim ersten Start, 3 von 7; Modelle"),
    ],
)
def test_what_is_being_prepared_is_said_on_every_page(language: str, said: str) -> None:
    steps = [
        {"step": "kernels", "words": "compiling kernels", "done": 3, "total": 7},
        {"step": "models", "words": "loading and testing the models", "done": 0, "total": 0},
    ]
    (trouble,) = Words(Translate(language)).troubles({"preparing": steps})
    assert said in trouble.advice
    assert trouble.tone == "wait"


def test_another_application_takes_the_port_over_without_closing_it() -> None:
    """Whoever is being answered by the first is answered to the end; who comes then gets the second."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    def app(name: str) -> web.Application:
        async def say(request: web.Request) -> web.Response:
            return web.Response(text=name)

        async def hold(request: web.Request) -> web.Response:
            entered.set()
            await go_on.wait()
            return web.Response(text=name)

        made = web.Application()
        made.add_routes([web.get("/", say), web.post("/hold", hold)])
        return made

    async def scenario() -> None:
        runner, port = await start(app("first"), "127.0.0.1", 0)
        url = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as session:
            held = asyncio.create_task(session.post(f"{url}/hold"))
            await entered.wait()
            async with session.get(url) as answer:
                assert await answer.text() == "first"
            following = await change(runner, app("second"))
            ending = asyncio.create_task(end_gently(runner))
            async with session.get(url) as answer:
                assert await answer.text() == "second"
            go_on.set()
            async with await held as answer:
                assert await answer.text() == "first"
            async with session.get(url) as answer:
                assert await answer.text() == "second"
        await close_port(runner)
        with pytest.raises(aiohttp.ClientConnectorError):
            async with aiohttp.ClientSession() as late, late.get(url):
                pass
        await ending
        await following.cleanup()
        await runner.cleanup()

    asyncio.run(asyncio.wait_for(scenario(), 60))
