"""Users, logins and tokens from the page: made, shown once, ended at once, by who may, with a line in the audit."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from pathlib import Path

import pytest

from tests.support.web import PASSWORD, WebSide, run, running

NEW = "correct horse 2"


def newest(box: WebSide) -> tuple[str, str]:
    """Who did what last."""
    entry = box.store.audit_log.newest(limit=1)[0]
    return entry.actor, entry.action


async def log_in(box: WebSide, name: str, password: str) -> int:
    return (await box.post("/login", {"user": name, "password": password}))[0].status


def test_a_user_is_let_in_given_a_password_and_shut_out(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            boss = box.session("supervisor")
            wrong = {
                "no name": {"user": " ", "role": "guard", "password": PASSWORD},
                "control characters": {"user": "a\x07b", "role": "guard", "password": PASSWORD},
                "no role": {"user": "ann", "role": "boss", "password": PASSWORD},
                "short": {"user": "ann", "role": "guard", "password": "short"},
                "long": {"user": "ann", "role": "guard", "password": "x" * 2000},
            }
            for what, form in wrong.items():
                answer, body = await box.post("/box/users", form, boss)
                assert (answer.status, b'role="alert"' in body) == (422, True), what
            assert len(box.store.users()) == 4
            ann = {"user": "ann <b>", "role": "guard", "password": PASSWORD}
            assert (await box.post("/box/users", ann, boss))[0].headers["Location"] == "/box#users"
            assert newest(box) == ("a-supervisor", "user.add")
            answer, body = await box.post("/box/users", ann, boss)
            assert (answer.status, b"ann &lt;b&gt; can already log in" in body) == (409, True)
            assert b"<b>" not in body
            answer, _ = await box.post("/login", {"user": "ann <b>", "password": PASSWORD})
            cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
            assert (await box.get("/hits", cookie))[0].status == 200

            form = {"user": "ann <b>", "password": NEW}
            assert (await box.post("/box/users/password", form, boss))[0].status == 303
            assert (await box.get("/hits", cookie))[0].status == 401, "logins of the old password end at once"
            assert await log_in(box, "ann <b>", PASSWORD) == 401
            answer, _ = await box.post("/login", {"user": "ann <b>", "password": NEW})
            cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
            assert (await box.get("/hits", cookie))[0].status == 200
            assert (await box.post("/box/users/remove", {"user": "ann <b>"}, boss))[0].status == 303
            assert (await box.get("/hits", cookie))[0].status == 401
            assert newest(box) == ("a-supervisor", "user.remove")
            for path in ("/box/users/remove", "/box/users/password"):
                assert (await box.post(path, form, boss))[0].status == 409, "gone already"

    run(check())


def test_the_last_supervisor_stays_and_nobody_removes_themselves(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            answer, body = await box.post("/box/users/remove", {"user": "a-supervisor"}, box.session("supervisor"))
            assert (answer.status, b"remove yourself" in body) == (409, True)
            box.store.add_user("b-supervisor", "supervisor", PASSWORD).result()
            other = {"Cookie": f"{box.cookie}={box.store.add_session('b-supervisor', 1).result()}"}
            assert (await box.post("/box/users/remove", {"user": "a-supervisor"}, other))[0].status == 303
            assert [user.name for user in box.store.users() if user.role == "supervisor"] == ["b-supervisor"]

    run(check())


def test_a_token_is_shown_once_and_works_until_it_is_revoked(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            boss = box.session("supervisor")
            form = {"name": "central", "scope.alerts:read": "on", "scope.health:read": "on", "days": "30"}
            for missing in ("name", "days"):
                assert (await box.post("/box/tokens", form | {missing: ""}, boss))[0].status == 422
            answer, body = await box.post("/box/tokens", {"name": "central", "days": "30"}, boss)
            assert (answer.status, b"at least one scope" in body) == (422, True)
            answer, body = await box.post("/box/tokens", form, boss)
            assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
            secret = _secret(body)
            key = {"Authorization": f"Bearer {secret}"}
            assert (await box.get("/api/v1/alerts", key))[0].status == 200
            token = box.store.tokens()[0]
            assert set(token.scopes) == {"alerts:read", "health:read"}
            assert abs(token.expires_at - dt.datetime.now(dt.UTC) - dt.timedelta(days=30)) < dt.timedelta(minutes=5)
            _, body = await box.get("/box", boss)
            assert secret.encode() not in body
            assert b"central" in body
            assert "token.add" in {entry.action for entry in box.store.audit_log.newest(limit=5)}
            assert secret not in str(box.store.audit_log.newest(limit=20))
            assert (await box.post("/box/tokens", form, boss))[0].status == 409, "there is one of that name"

            answer, body = await box.post("/box/tokens/rotate", {"name": "central"}, boss)
            assert answer.status == 201
            second = {"Authorization": f"Bearer {_secret(body)}"}
            both = box.store.tokens()
            assert [set(one.scopes) for one in both] == [{"alerts:read", "health:read"}] * 2
            assert all(one.expires_at is not None for one in both)
            for one in (key, second):
                assert (await box.get("/api/v1/alerts", one))[0].status == 200, "both are good"
            assert (await box.post("/box/tokens/rotate", {"name": "central"}, boss))[0].status == 409
            older = {"name": "central", "which": "older"}
            assert (await box.post("/box/tokens/revoke", older, boss))[0].headers["Location"] == "/box#tokens"
            assert (await box.get("/api/v1/alerts", key))[0].status == 401
            assert (await box.get("/api/v1/alerts", second))[0].status == 200
            assert (await box.post("/box/tokens/revoke", {"name": "central"}, boss))[0].status == 303
            assert (await box.get("/api/v1/alerts", second))[0].status == 401
            assert newest(box) == ("a-supervisor", "token.revoke")
            for path in ("/box/tokens/rotate", "/box/tokens/revoke"):
                assert (await box.post(path, {"name": "central"}, boss))[0].status == 409

    run(check())


def _secret(body: bytes) -> str:
    found = re.search(rb'<code class="secret">(edge_[A-Za-z0-9_-]{43})</code>', body)
    assert found is not None
    return found[1].decode()


@pytest.mark.parametrize("role", ["guard", "installer", "auditor"])
def test_others_end_their_own_logins_only(tmp_path: Path, role: str) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            mine, second, boss = box.session(role), box.session(role), box.session("supervisor")
            theirs = {one.user: one.login_id for one in box.store.logins()}
            for login in ("", "nonsense", "%" * 16, "g" * 16):
                assert (await box.post("/box/logins/end", {"login": login}, mine))[0].status == 422
            answer, _ = await box.post("/box/logins/end", {"login": theirs["a-supervisor"]}, mine)
            assert answer.status == 403
            assert (await box.get("/box", boss))[0].status == 200
            assert (await box.get("/box", second))[0].status == 200
            _, body = await box.get("/box", mine)
            shown = set(re.findall(rb'name="login" value="([0-9a-f]{16})"', body))
            own = {one.login_id.encode() for one in box.store.logins() if one.user == f"a-{role}"}
            assert shown == own
            assert b'action="/box/users"' not in body
            assert b'action="/box/tokens"' not in body
            for login in own:
                await box.post("/box/logins/end", {"login": login.decode()}, boss)
            for ended in (mine, second):
                assert (await box.get("/box", ended))[0].status == 401, "at once, though it was looked up a moment ago"
            answer, _ = await box.post("/box/logins/end", {"login": own.pop().decode()}, boss)
            assert answer.status == 303, "over already is no error"
            assert box.store.audit_log.newest(limit=1)[0].action == "session.end"

    run(check())


def test_everybody_changes_their_own_password_with_the_one_until_now(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            mine, second = box.session("guard"), box.session("guard")
            form = {"current": "wrong horse 1", "password": NEW}
            answer, body = await box.post("/box/password", form, mine)
            assert (answer.status, b"Nothing was changed" in body) == (422, True)
            assert (await box.post("/box/password", {"current": PASSWORD, "password": "x"}, mine))[0].status == 422
            answer, _ = await box.post("/box/password", {"current": PASSWORD, "password": NEW}, mine)
            assert (answer.status, answer.headers["Location"]) == (303, "/box#you")
            fresh = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
            assert (await box.get("/box", fresh))[0].status == 200
            for ended in (mine, second):
                assert (await box.get("/box", ended))[0].status == 401
            assert await asyncio.to_thread(box.store.check_password, "a-guard", NEW) is not None

    run(check())
