"""A new box: one page, one code, one first user; nothing else is shown before, and the code is of no use after."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.app.service.service import _print_claim_code
from edge.errors import ConfigError
from edge.store import Store
from tests.support import appliance
from tests.support.web import WebSide, live_view, make_hit, run, running

HTML = {"Accept": "text/html"}


def unclaim(box: WebSide) -> None:
    """Take away everybody who could log in, as on a new box."""
    for user in box.store.users():
        box.store.remove_user(user.name).result()


def test_an_unclaimed_box_shows_only_its_claim(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            stale = box.session("supervisor")
            await asyncio.to_thread(unclaim, box)
            box.live.publish(live_view(1))
            for path in ("/", "/hits", "/people", "/box", "/login", f"/hits/{make_hit(1)[0].hit_id}", "/nope"):
                answer, _ = await box.get(path, HTML | stale)
                assert (answer.status, answer.headers["Location"]) == (303, "/claim"), path
            crop = make_hit(1)[0].images.crop
            for path in ("/live/door/frame", "/live/door/frame.jpg", f"/api/v1/images/{crop}", "/events", "/now/hits"):
                assert (await box.get(path, stale))[0].status == 401, path
            answer, body = await box.get("/claim", HTML)
            assert answer.status == 200
            assert b"/api/v1/images" not in body
            assert b"Rosa" not in body
            # Who has a token was given it on the box itself.
            assert (await box.get("/api/v1/alerts", box.token()))[0].status == 200

    run(check())


def test_the_code_makes_one_supervisor_and_logs_in(tmp_path: Path) -> None:
    async def check() -> None:
        async with running(tmp_path) as box:
            await asyncio.to_thread(unclaim, box)
            code = await asyncio.wrap_future(box.store.claim.new_code())
            good = {"code": code, "user": "rosa", "password": "correct horse 1"}
            for change, status in (
                ({"code": "AAAA-AAAA-AAAA"}, 403),
                ({"password": "short"}, 422),
                ({"user": ""}, 422),
                ({"password": "x" * 1025}, 422),
            ):
                answer, body = await box.post("/claim", good | change)
                assert answer.status == status
            assert b"at most 1024 characters" in body, "it is the password's fault, not the code's"
            assert b"not the code" not in body
            assert (await box.post("/claim", good, origin="https://evil.example"))[0].status == 403
            assert box.store.users() == []
            answer, _ = await box.post("/claim", good)
            assert (answer.status, answer.headers["Location"]) == (303, "/")
            cookie = {"Cookie": f"{box.cookie}={answer.cookies[box.cookie].value}"}
            assert (await box.get("/people/new", cookie))[0].status == 200
            assert [(user.name, user.role) for user in box.store.users()] == [("rosa", "supervisor")]
            answer, _ = await box.post("/claim", good | {"user": "eve"})
            assert answer.status == 409
            answer, _ = await box.get("/claim", HTML)
            assert (answer.status, answer.headers["Location"]) == (303, "/login")
            assert any(entry.action == "box.claim" for entry in box.store.audit_log.newest(None, 10))

    run(check())


def test_the_command_prints_a_new_code_until_there_is_a_user(tmp_path: Path) -> None:
    box = appliance.Appliance(tmp_path)
    first, second = (box.edge("user", "claim").stdout.strip() for _ in range(2))
    assert first != second
    assert len(second.replace("-", "")) == 12
    added = box.edge("user", "add", "rosa", "--role", "supervisor", "--password-stdin", stdin="correct horse 1\n")
    assert added.returncode == 0, added.stderr
    done = box.edge("user", "claim")
    assert (done.returncode, done.stdout) == (65, "")
    assert "has been claimed" in done.stderr


def test_a_code_that_was_handed_over_is_used_and_not_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "claim_code").write_text("abcd-EFGH-jkmn\n", "utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with Store.open(tmp_path / "data") as store:
        asyncio.run(_print_claim_code(store, "https://box"))
        assert "enter the code that the installer was given" in caplog.text
        assert "EFGH" not in caplog.text.upper()
        store.claim.redeem("ABCDEFGHJKMN", "ann", "long enough words").result()
        assert store.claim.is_claimed()


def test_a_code_that_is_too_short_is_refused(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store, pytest.raises(ConfigError, match="4 usable"):
        store.claim.new_code("ab-cd")
