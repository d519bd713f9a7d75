"""Behind a proxy: who is believed, the login, the cookie, the links, and a real nginx in front of it all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from edge.config import ServeConfig
from edge.serve.http.proxies import Proxies, Told
from edge.serve.http.quotas import ConnectionLimits, OpenConnections
from tests.support.web import PASSWORD, Switch, WebSide, run, running

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
        async with running(tmp_path, trusted_proxies=HERE, root_path="/a/box-1", recognition=Switch()) as box:
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
                sent = {"Accept": "text/html", "Referer": f"{box.url}/a/box-1/hits?state=new"}
                answer, body = await box.post(f"{under}/box/resume", {}, sent)
                assert (answer.status, b'"/a/box-1/login?next=%2Fhits%3Fstate%3Dnew"' in body) == (401, True)
                answer, _ = await box.post(f"{under}/box/resume", {}, sent | box.session())
                assert (answer.status, answer.headers["Location"]) == (303, "/a/box-1/hits?state=new")
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
