"""Users, lock-out, sessions, links, tokens and consumers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import argon2
import pytest

from edge.errors import AuthError, ConflictError, NotFoundError
from edge.store import Store
from edge.store.accounts import passwords
from edge.store.feed import consumers
from tests.support.media import wait_until
from tests.support.store import Clock


@pytest.fixture
def store(tmp_path: Path, clock: Clock):
    with Store.open(tmp_path, clock=clock) as opened:
        yield opened


@pytest.mark.usefixtures("full_cost")
def test_passwords_are_argon2id_at_full_cost_and_nothing_secret_is_kept(store: Store, tmp_path: Path) -> None:
    store.add_user("Gül", "guard", "corrêct horse").result(10)
    user = store.check_password("Gül", "corre\N{COMBINING CIRCUMFLEX ACCENT}ct horse")
    assert user is not None
    assert (user.name, user.role) == ("Gül", "guard")
    session = store.add_session("Gül", hours=12).result(10)
    link = store.add_login_link("Gül", minutes=5).result(10)
    token = store.add_token("central", ["alerts:read"]).result(10)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("edge.db*"))
    assert b"$argon2id$v=19$m=65536,t=3,p=4$" in kept
    for secret in ("horse", session, link, token, token.removeprefix("edge_")):
        assert secret.encode() not in kept


def test_users_are_added_changed_and_removed(store: Store) -> None:
    store.add_user("ada", "supervisor", "password-1").result(10)
    with pytest.raises(ConflictError):
        store.add_user("ada", "guard", "password-2").result(10)
    for role, password in (("boss", "password-1"), ("guard", "short"), ("guard", "x" * 2000)):
        with pytest.raises(AuthError) as caught:
            store.add_user("bob", role, password)
        assert caught.value.http_status == 422
    session = store.add_session("ada", hours=1).result(10)
    store.set_password("ada", "password-3").result(10)
    assert store.check_session(session) is None, "a new password ends the old one's sessions"
    assert store.check_password("ada", "password-1") is None
    assert store.check_password("ada", "password-3") is not None
    session = store.add_session("ada", hours=1).result(10)
    store.remove_user("ada").result(10)
    assert store.users() == []
    assert store.check_session(session) is None
    for refused in (store.remove_user("ada"), store.set_password("ada", "password-4"), store.add_session("ada", 1)):
        with pytest.raises(NotFoundError):
            refused.result(10)


def test_lock_out_grows_survives_a_restart_and_ends(tmp_path: Path, clock: Clock) -> None:
    with Store.open(tmp_path, clock=clock) as store:
        store.add_user("ada", "guard", "password-1").result(10)
        for _ in range(5):
            assert store.check_password("ada", "wrong") is None
    with Store.open(tmp_path, clock=clock) as store:
        with pytest.raises(AuthError) as caught:
            store.check_password("ada", "password-1")
        assert caught.value.http_status == 429
        first = caught.value.retry_after_s
        assert first is not None
        clock.forward(seconds=first)
        assert store.check_password("ada", "wrong") is None
        with pytest.raises(AuthError) as caught:
            store.check_password("ada", "password-1")
        assert caught.value.retry_after_s is not None
        assert caught.value.retry_after_s > first
        clock.forward(days=-400)  # the clock set back adds nothing
        with pytest.raises(AuthError) as again:
            store.check_password("ada", "password-1")
        assert again.value.retry_after_s == caught.value.retry_after_s
        clock.forward(days=400, seconds=caught.value.retry_after_s)
        assert store.check_password("ada", "password-1") is not None
        for _ in range(4):
            assert store.check_password("ada", "wrong") is None
        assert store.check_password("ada", "password-1") is not None, "a right password starts the count anew"


def test_unknown_names_are_locked_alike_and_cost_the_same_work(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add_user("ada", "guard", "password-1").result(10)
    checked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def count(self: argon2.PasswordHasher, hash: str, password: str) -> bool:
        checked.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", count)
    for _ in range(5):
        assert store.check_password("nobody", "password-1") is None
    assert len(checked) == 5
    with pytest.raises(AuthError):
        store.check_password("nobody", "password-1")
    assert len(checked) == 5, "a locked name costs nothing"
    assert store.check_password("ada", "password-1") is not None


def test_guessing_names_cant_fill_the_disk_nor_free_a_locked_user(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "MAX_UNKNOWN_NAMES", 10)
    store.add_user("ada", "guard", "password-1").result(10)
    for _ in range(5):
        store.check_password("ada", "wrong")
    for number in range(30):
        store.check_password(f"nobody-{number}", "wrong")
    rows = store._core.read(lambda db: db.execute("SELECT count(*) FROM login_failures").fetchone()[0])
    assert rows == 11
    with pytest.raises(AuthError):
        store.check_password("ada", "password-1")


def test_from_the_fifth_failure_on_each_lock_is_twice_as_long_up_to_an_hour() -> None:
    assert [passwords.lock_seconds(n) for n in (0, 4, 5, 6, 7, 100, 10**6)] == [0, 0, 30, 60, 120, 3600, 3600]


def test_sessions_end_and_links_work_once(store: Store, clock: Clock) -> None:
    store.add_user("ada", "guard", "password-1").result(10)
    one, two = store.add_session("ada", 12).result(10), store.add_session("ada", 1).result(10)
    assert len(one) >= 43
    session = store.check_session(one)
    assert session is not None
    assert (session.user, session.role) == ("ada", "guard")
    assert session.expires_at == clock.now + dt.timedelta(hours=12)
    clock.forward(hours=2)
    assert store.check_session(two) is None
    store.end_session(one).result(10)
    assert store.check_session(one) is None
    for nonsense in ("", "x" * 10_000, "\ud800", "' OR 1=1 --"):
        assert store.check_session(nonsense) is None
        assert store.use_login_link(nonsense).result(10) is None
    link, late = store.add_login_link("ada", 10).result(10), store.add_login_link("ada", 10).result(10)
    assert store.use_login_link(link).result(10) == "ada"
    assert store.use_login_link(link).result(10) is None
    clock.forward(minutes=11)
    assert store.use_login_link(late).result(10) is None


def test_tokens_are_scoped_expire_rotate_and_are_revoked(store: Store, clock: Clock) -> None:
    soon = clock.now + dt.timedelta(days=1)
    old = store.add_token("central", ["alerts:read", "watchlist:write"], soon).result(10)
    new = store.add_token("central", ["alerts:read"]).result(10)
    with pytest.raises(ConflictError, match="2 tokens"):
        store.add_token("central", ["alerts:read"]).result(10)
    for scopes in ([], ["alert:read"]):
        with pytest.raises(AuthError):
            store.add_token("other", scopes)
    found = store.check_token(old)
    assert found is not None
    assert (found.name, found.scopes) == ("central", ("alerts:read", "watchlist:write"))
    assert [token.name for token in store.tokens()] == ["central", "central"]
    clock.forward(days=2)
    assert store.check_token(old) is None
    assert store.check_token(new) is not None
    assert store.check_token(new + "x") is None
    store.revoke_token("central").result(10)
    assert store.check_token(new) is None
    with pytest.raises(NotFoundError):
        store.revoke_token("central").result(10)


def test_consumers_are_remembered_with_their_lag(tmp_path: Path, clock: Clock) -> None:
    with Store.open(tmp_path, clock=clock) as store:
        store.add_token("central", ["alerts:read"]).result(10)
        store.add_token("editor", ["watchlist:write"]).result(10)
        store.add_token("idle", ["alerts:read"]).result(10)
        for _ in range(5):
            store.add_item("heartbeat", {}).result(10)
        store.note_pull("central", 3)
        store.note_pull("stranger", 3)
        assert [(c.name, c.seq, c.lag) for c in store.consumers()] == [("central", 3, 2), ("idle", 0, 5)]
    with Store.open(tmp_path, clock=clock) as store:
        central, idle = store.consumers()
        assert (central.seq, central.lag, central.last_pull_at) == (3, 2, clock.now)
        assert idle.last_pull_at is None
        store.revoke_token("central").result(10)
        store.add_token("central", ["alerts:read"]).result(10)
        assert store.consumers()[0].seq == 0, "a name given anew starts anew"


def test_a_name_given_anew_starts_anew_while_the_service_runs(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "SAVE_EVERY_S", 0.0)
    store.add_token("central", ["alerts:read"]).result(10)
    store.add_item("heartbeat", {}).result(10)
    store.note_pull("central", 1)
    saved = "SELECT count(*) FROM consumers WHERE name = 'central' AND seq = 1"
    wait_until(lambda: bool(store._core.read(lambda db: db.execute(saved).fetchone()[0])), 10)
    store.revoke_token("central").result(10)
    store.add_token("central", ["alerts:read"]).result(10)
    assert [(one.seq, one.last_pull_at) for one in store.consumers()] == [(0, None)]


def test_a_name_given_anew_inherits_no_pull_that_was_not_saved_yet(tmp_path: Path, clock: Clock) -> None:
    with Store.open(tmp_path, clock=clock) as store:
        former = store.check_token(store.add_token("central", ["alerts:read"]).result(10))
        assert former is not None
        store.add_item("heartbeat", {}).result(10)
        store.note_pull("central", 1, former.created_at)
        assert [one.seq for one in store.consumers()] == [1]
        clock.forward(seconds=2)
        store.revoke_token("central").result(10)
        store.add_token("central", ["alerts:read"]).result(10)
        assert [(one.seq, one.last_pull_at) for one in store.consumers()] == [(0, None)]
    with Store.open(tmp_path, clock=clock) as store:
        assert [(one.seq, one.last_pull_at) for one in store.consumers()] == [(0, None)]


def test_a_token_that_has_expired_pulls_no_more(store: Store, clock: Clock) -> None:
    store.add_token("central", ["alerts:read"]).result(10)
    store.add_token("visitor", ["alerts:read"], clock.now + dt.timedelta(hours=1)).result(10)
    assert [known.name for known in store.consumers()] == ["central", "visitor"]
    clock.forward(hours=1)
    assert [known.name for known in store.consumers()] == ["central"]


def test_checking_a_token_touches_no_database(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = store.add_token("central", ["alerts:read"]).result(10)
    assert store.check_token(secret) is not None

    def fail(*args: object) -> None:
        raise AssertionError("a query")

    monkeypatch.setattr(store._core, "read", fail)
    assert store.check_token(secret) is not None
    assert store.head_seq() == 0


def test_logins_and_tokens_tell_their_last_use_also_after_a_restart(store: Store, clock: Clock, tmp_path: Path) -> None:
    store.add_user("ada", "supervisor", "password-1").result(10)
    first = store.add_session("ada", 12, "192.0.2.7").result(10)
    clock.forward(seconds=60)
    second = store.add_session("ada", 12).result(10)
    token = store.add_token("central", ["alerts:read"]).result(10)
    assert [(one.user, one.role, one.address, one.last_used_at) for one in store.logins()] == [
        ("ada", "supervisor", None, None),
        ("ada", "supervisor", "192.0.2.7", None),
    ]
    assert store.tokens()[0].last_used_at is None
    clock.forward(seconds=60)
    used_at = clock()
    assert store.check_session(first) is not None
    assert store.check_token(token) is not None
    assert [one.last_used_at for one in store.logins()] == [None, used_at]
    assert store.tokens()[0].last_used_at == used_at
    commits = store.stats()["commits"]
    assert store.check_session(first) is not None
    assert store.stats()["commits"] == commits, "a use costs no commit"
    store.close()
    with Store.open(tmp_path, clock=clock) as again:
        assert [one.last_used_at for one in again.logins()] == [None, used_at]
        assert again.tokens()[0].last_used_at == used_at
        newest = again.logins()[0]
        assert newest.login_id not in second
        again.end_login(newest.login_id, by="bob").result(10)
        assert again.check_session(second) is None
        assert again.check_session(first) is not None
        assert (again.audit_log.newest(limit=1)[0].actor, again.audit_log.newest(limit=1)[0].action) == (
            "bob",
            "session.end",
        )
        for login_id in (newest.login_id, "", "%", "0" * 16):
            with pytest.raises(NotFoundError):
                again.end_login(login_id).result(10)
        clock.forward(hours=13)
        assert again.logins() == []


def test_the_last_of_a_role_can_be_kept(store: Store) -> None:
    store.add_user("ada", "supervisor", "password-1").result(10)
    store.add_user("bob", "guard", "password-2").result(10)
    with pytest.raises(ConflictError, match="last supervisor"):
        store.remove_user("ada", keep_one="supervisor").result(10)
    store.remove_user("bob", keep_one="supervisor").result(10)
    store.add_user("cem", "supervisor", "password-3").result(10)
    store.remove_user("ada", keep_one="supervisor").result(10)
    assert [user.name for user in store.users()] == ["cem"]
