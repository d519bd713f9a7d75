"""A real nginx in front of the box, set up by default, with headers, under a path, and as documented."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT
from tests.support.ports import free_port
from tests.support.web import PASSWORD, WebSide, live_view, run, running

HERE = ("127.0.0.1",)
FORM = {"user": "a-guard", "password": PASSWORD}
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


def documented(url: str) -> str:
    """The lines for nginx that the documents show, for this box."""
    found = re.search(r"```nginx\n(.*?)```", (ROOT / "docs" / "install-one.md").read_text("utf-8"), re.DOTALL)
    assert found is not None
    assert found[1].count("http://127.0.0.1:8080") == 1
    return found[1].replace("http://127.0.0.1:8080", url)


@contextlib.asynccontextmanager
async def nginx(folder: Path, box: WebSide) -> AsyncIterator[list[str]]:
    """Addresses of a real nginx: default proxy_pass, with host and scheme, under a path, and as documented."""
    if NGINX is None:
        pytest.skip("needs nginx (apt-get install nginx-light)")
    ports = [free_port() for _ in range(4)]
    told = "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-For $remote_addr;"
    places = (
        f"location / {{ proxy_pass {box.url}; }}",
        f"location / {{ {told} proxy_set_header X-Forwarded-Proto https; proxy_pass {box.url}; }}",
        f"location /box1/ {{ {told} proxy_set_header X-Forwarded-Prefix /box1; proxy_pass {box.url}/; }}",
        documented(box.url),
    )
    servers = "".join(
        f"server {{ listen 127.0.0.1:{port}; {place} }}\n" for port, place in zip(ports, places, strict=True)
    )
    paths = "".join(f"{name}_temp_path {folder}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
    settings = folder / "nginx.conf"
    settings.write_text(
        f"pid {folder}/pid; error_log {folder}/log; daemon off; worker_processes 1; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {folder}/body; {paths}\n"
        f"gzip on; gzip_types application/json; gzip_min_length 1; gzip_proxied any;\n{servers}}}\n"
    )
    process = await asyncio.create_subprocess_exec(NGINX, "-e", f"{folder}/log", "-c", str(settings))
    try:
        for port in ports:
            while True:
                assert process.returncode is None, (folder / "log").read_text()
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield [f"http://127.0.0.1:{port}" for port in ports]
    finally:
        process.terminate()
        await process.wait()


def test_a_real_nginx(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, trusted_proxies=HERE) as box, nginx(tmp_path, box) as addresses:
            box.live.publish(live_view(1))  # without one the live picture is waited for
            expected = [("/", False), ("/", True), ("/box1/", False), ("/", False)]
            for address, (home, is_secure) in zip(addresses, expected, strict=True):
                base = address + home.rstrip("/")
                given = {"Origin": address}
                async with box.http.post(f"{base}/login", data=FORM, headers=given, allow_redirects=False) as answer:
                    assert (answer.status, answer.headers["Location"].removeprefix(address)) == (303, home)
                    cookie = answer.headers["Set-Cookie"]
                    assert ("; Secure" in cookie) == is_secure
                headers = {"Cookie": cookie.partition(";")[0]}
                async with box.http.get(f"{base}/", headers=headers) as answer:
                    body = await answer.text()
                    assert answer.status == 200
                for link in re.findall(r'(?:href|src)="(/[^"]*)"', body):
                    async with box.http.get(address + link, headers=headers) as answer:
                        assert answer.status in (200, 204, 503), link  # 503: nothing to examine with
                token = box.token(name=address)
                async with box.http.get(f"{base}/api/v1/alerts", headers=token) as answer:
                    etag = answer.headers["ETag"]
                    assert etag.startswith("W/"), "it was packed"
                token["If-None-Match"] = etag
                async with box.http.get(f"{base}/api/v1/alerts", headers=token) as answer:
                    assert answer.status == 304

    run(check())
