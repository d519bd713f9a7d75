"""Behind a proxy: who is believed, the login, the cookie, the links, and a real nginx in front of it all."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from edge.config import ServeConfig
from edge.serve.http.auth import CookieNames
from edge.serve.http.proxies import Proxies, Told
from edge.serve.http.quotas import ConnectionLimits, OpenConnections
from tests.support.paths import ROOT
from tests.support.web import PASSWORD, WebSide, run, running

HERE = ("127.0.0.1",)
FORM = {"user": "a-guard", "password": PASSWORD}
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")


async def log_in(box: WebSide, headers: Mapping[str, str], origin: str) -> tuple[int, str, str]:
    """Status, the session's Set-Cookie, and where it leads."""
    answer, _ = await box.post("/login", FORM, headers, origin=origin)
    return answer.status, answer.headers.get("Set-Cookie", ""), answer.headers.get("Location", "")


def clients(box: WebSide) -> list[str | None]:
    return [login.address for login in box.store.accounts.logins()]


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({"X-Forwarded-For": "203.0.113.9"}, "203.0.113.9"),
        ({"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}, "203.0.113.9"),
        ({"X-Forwarded-For": "203.0.113.9, 10.1.2.3"}, "203.0.113.9"),
        ({"X-Forwarded-For": "203.0.113.9:4711"}, "203.0.113.9"),
        ({"X-Forwarded-For": "::ffff:203.0.113.9"}, "203.0.113.9"),
        ({"Forwarded": 'for="[2001:db8::7]:4711";proto=https;host=box.example'}, "2001:db8::7"),
        ({"Forwarded": "for=198.51.100.1, for=203.0.113.9, for=10.0.0.1"}, "203.0.113.9"),
        ({"X-Forwarded-For": "unknown"}, None),
        ({"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=198.51.100.1"}, None),
        ({"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}, "203.0.113.9"),
        ({"X-Forwarded-For": "," * 5000 + "203.0.113.9"}, "203.0.113.9"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_believed_proxy(headers: dict[str, str], client: str | None) -> None:
    proxies = Proxies(ServeConfig(trusted_proxies=(*HERE, "10.0.0.0/8")))
    request = make_mocked_request("GET", "/", headers)
    assert proxies.read(request.clone(remote="127.0.0.1")).client == client
    assert proxies.read(request.clone(remote="10.9.9.9")).client == client
    assert proxies.read(request.clone(remote="203.0.113.250")) == Told()


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Forwarded": "for=1.2.3.4;proto=https;host=a.example"}, ("https", "a.example")),
        ({"Forwarded": "for=1.2.3.4;proto=https;host=a.example, for=10.0.0.1;proto=http"}, ("https", "a.example")),
        ({"X-Forwarded-For": "6.6.6.6, 1.2.3.4", "X-Forwarded-Proto": "http, https"}, ("https", None)),
        ({"X-Forwarded-For": "1.2.3.4, 10.0.0.1", "X-Forwarded-Proto": "https, http"}, ("https", None)),
        ({"X-Forwarded-Proto": "HTTPS", "X-Forwarded-Host": "[::1]:8443"}, ("https", "[::1]:8443")),
        ({"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": "a/b"}, (None, None)),
    ],
)
def test_scheme_and_host_are_those_of_the_outermost_believed_proxy(
    headers: dict[str, str], told: tuple[str | None, str | None]
) -> None:
    proxies = Proxies(ServeConfig(trusted_proxies=(*HERE, "10.0.0.0/8")))
    found = proxies.read(make_mocked_request("GET", "/", headers).clone(remote="127.0.0.1"))
    assert (found.scheme, found.host) == told


def test_nobody_else_is_believed(tmp_path: Path) -> None:
    async def check() -> None:
        told = {
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Prefix": "/evil",
        }
        for trusted in ((), ("10.0.0.1",)):
            async with running(tmp_path / str(len(trusted)), trusted_proxies=trusted) as box:
                assert (await log_in(box, told, "https://evil.example"))[0] == 403
                status, cookie, location = await log_in(box, told, "")
                assert (status, location, clients(box)) == (303, "/", ["127.0.0.1"])
                assert "Secure" not in cookie
                assert "Path=/;" in cookie

    run(check())


def test_login_by_default_proxy_pass_and_not_from_another_site(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, trusted_proxies=HERE) as box:
            host = {"Host": box.url.partition("//")[2]}  # what nginx sends by itself
            for headers in (host, host | {"Sec-Fetch-Site": "same-origin"}, {"Host": "edge_upstream"}):
                assert (await log_in(box, headers, "https://box.example"))[0] == 303
            for relation in ("cross-site", "same-site", "none"):
                assert (await log_in(box, host | {"Sec-Fetch-Site": relation}, "https://evil.example"))[0] == 403
            assert (await log_in(box, {"Host": "box.example"}, "https://evil.example"))[0] == 403
            assert (await log_in(box, host | {"X-Forwarded-Host": "box.example"}, "https://evil.example"))[0] == 403
            assert (await log_in(box, host, "null"))[0] == 403
            assert (await box.post("/login", FORM, host, origin=None))[0].status == 403

    run(check())


def test_the_cookie_is_secure_and_the_links_are_right_behind_tls_and_a_prefix(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, trusted_proxies=HERE) as box:
            headers = {
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "box.example",
                "X-Forwarded-Prefix": "/box1/",
            }
            status, cookie, location = await log_in(box, headers, "https://box.example")
            assert (status, location) == (303, "/box1/")
            assert "; Secure" in cookie
            assert "Path=/box1;" in cookie
            await check_links(box, headers, "/box1")
            answer, _ = await box.get("/hits?state=new", headers | {"Accept": "text/html"})
            assert answer.headers["Location"] == "/box1/login?next=%2Fhits%3Fstate%3Dnew"
            odd = headers | {"X-Forwarded-Prefix": "//evil.example"}
            assert (await log_in(box, odd, "https://box.example"))[2] == "/"

    run(check())


async def check_links(box: WebSide, headers: Mapping[str, str], root: str, under: str = "") -> None:
    """Every link and form of every page begins with the root."""
    session = box.session("supervisor")
    for page in ("/", "/hits", "/people", "/people/new", "/box", "/nothing"):
        answer, body = await box.get(under + page, {**session, **headers, "Accept": "text/html"})
        assert answer.status == (404 if page == "/nothing" else 200), page
        found = re.findall(r'(?:href|src|action|data-progress)="(/[^"]*)"', body.decode())
        assert len(found) > 5
        assert [link for link in found if not link.startswith(f"{root}/")] == []
        assert f'data-root="{root}"' in body.decode()
        assert f"{root}{root}" not in body.decode()


def test_a_root_path_works_whether_the_proxy_leaves_it_on_or_not(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, trusted_proxies=HERE, root_path="/a/box-1") as box:
            for under in ("", "/a/box-1"):
                await check_links(box, {}, "/a/box-1", under)
                answer, _ = await box.post(f"{under}/login", FORM)
                assert (answer.status, answer.headers["Location"]) == (303, "/a/box-1/")
                assert "Path=/a/box-1;" in answer.headers["Set-Cookie"]
                answer, body = await box.get(f"{under}/api/v1/alerts?limit=1", box.token(name=f"t{under}"))
                assert (answer.status, b'"items"' in body) == (200, True)
                answer, body = await box.get(f"{under}/api/v1/nothing")
                assert (answer.status, answer.content_type) == (404, "application/problem+json")
                assert (await box.get(f"{under}/people", box.session("installer")))[0].status == 403
            answer, _ = await box.get("/a/box-1")
            assert (answer.status, answer.headers["Location"]) == (302, "/a/box-1/")

    run(check())


def test_wrong_passwords_behind_a_proxy_lock_their_own_address(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path, trusted_proxies=HERE) as box:
            for _ in range(6):
                answer, _ = await box.post(
                    "/login", {"user": "a-guard", "password": "wrong wrong"}, {"X-Forwarded-For": "203.0.113.1"}
                )
            assert answer.status == 429
            assert (await log_in(box, {"X-Forwarded-For": "203.0.113.2"}, ""))[0] == 303
            assert clients(box) == ["203.0.113.2"]

    run(check())


def test_a_believed_proxy_has_no_share_of_its_own_of_the_connections() -> None:
    open_now: OpenConnections[int] = OpenConnections(ConnectionLimits(20, 5, lambda address: address == "10.0.0.1"))
    for number in range(20):
        assert open_now.why_full("10.0.0.1") is None
        open_now.add(number, "10.0.0.1")
    assert open_now.why_full("10.0.0.1") == "too many connections"


@pytest.mark.parametrize(
    "wrong", [{"trusted_proxies": ["10.0.0.300"]}, {"trusted_proxies": ["proxy"]}, {"root_path": "box"}]
)
def test_what_is_no_address_or_path_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ServeConfig.model_validate(wrong)


def test_two_boxes_at_one_address_have_cookies_of_their_own(tmp_path: Path) -> None:
    names = [CookieNames.of(box_id) for box_id in ("0f3a-1", "0f3a-2")]
    assert len({name for one in names for name in (one.session, one.device)}) == 4

    async def check() -> None:
        async with running(tmp_path) as box:
            _, cookie, _ = await log_in(box, {}, "")
            assert cookie.startswith(f"edge_session_{box.store.box_id}=")
            own = box.session()["Cookie"]
            for other in ("edge_session_other=abc; ", "edge_session=abc; "):
                answer, _ = await box.get("/hits", {"Cookie": other + own})
                assert answer.status == 200
            former = {"Cookie": "edge_session=" + own.partition("=")[2]}
            assert (await box.get("/hits", former))[0].status == 200, "a login from before an update lasts"

    run(check())


def test_tags_are_compared_weakly(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            token = box.token("alerts:read", "watchlist:read")
            style = re.search(r"/static/edge\.css\?v=\w+", (await box.get("/login"))[1].decode())
            assert style is not None
            for path in ("/api/v1/alerts", "/api/v1/watchlist", style[0]):
                answer, body = await box.get(path, token)
                etag = answer.headers["ETag"]
                for known in (etag, f"W/{etag}", f'"x", W/{etag}', "*"):
                    answer, body = await box.get(path, token | {"If-None-Match": known})
                    assert (answer.status, body) == (304, b""), (path, known)
                for known in ('"x"', 'W/"x"', ""):
                    assert (await box.get(path, token | {"If-None-Match": known}))[0].status == 200

    run(check())


def test_an_empty_cursor_is_the_beginning(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            token = box.token()
            assert (await box.get("/api/v1/alerts?after=", token))[1] == (await box.get("/api/v1/alerts", token))[1]

    run(check())


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
    ports = []
    for _ in range(4):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
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
