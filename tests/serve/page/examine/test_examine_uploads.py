"""Uploads to be examined that come slowly, in pieces, or break off."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.serve.http import inputs
from tests.support.drawings import draw_face, png
from tests.support.serve.examining import bench
from tests.support.web import run


def test_an_upload_that_drips_or_breaks_off_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "BODY_TIMEOUT_S", 0.3)

    async def check() -> None:
        async with bench(tmp_path) as made:
            box = made.box
            host = box.url.removeprefix("http://")
            cookie = box.session("guard")["Cookie"]
            for sent, closes in (("--x\r\n", False), ("--x\r\n", True)):
                reader, writer = await asyncio.open_connection(*host.split(":"))
                writer.write(
                    f"POST /examine HTTP/1.1\r\nHost: {host}\r\nOrigin: {box.url}\r\nCookie: {cookie}\r\n"
                    f"Content-Length: 5000\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n{sent}"
                    'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'.encode()
                    + b"\x89PNG\r\n\x1a\n123"
                )
                await writer.drain()
                if not closes:
                    assert (await asyncio.wait_for(reader.readline(), 30)).split()[1] == b"408"
                writer.close()
            async with asyncio.timeout(30):
                while made.left():  # noqa: ASYNC110
                    await asyncio.sleep(0.02)

    run(check())


def test_an_upload_cut_in_the_midst_of_its_first_bytes_is_taken(tmp_path: Path) -> None:
    async def check() -> None:
        async with bench(tmp_path) as made:
            box = made.box
            host = box.url.removeprefix("http://")
            form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
            form += png(draw_face(1, 300)) + b"\r\n--x--\r\n"
            cut = form.index(b"\x89PNG") + 3
            reader, writer = await asyncio.open_connection(*host.split(":"))
            writer.write(
                f"POST /examine HTTP/1.1\r\nHost: {host}\r\nOrigin: {box.url}\r\n"
                f"Cookie: {box.session('guard')['Cookie']}\r\nContent-Length: {len(form)}\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
                + form[:cut]
            )
            await asyncio.sleep(0.3)
            writer.write(form[cut:])
            assert (await asyncio.wait_for(reader.readline(), 30)).split()[1] == b"303"
            writer.close()

    run(check())
