"""Users, sessions, login links, and tokens of machines. Each change is audited in its own transaction."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar

from edge.errors import NotFoundError
from edge.store.accounts import last_use, passwords, tokens, users
from edge.store.audit import audit
from edge.store.audit.audit import LOCAL
from edge.store.core import Core
from edge.store.database import meta
from edge.store.database.jobs import Change, Listener
from edge.store.rows import Login, Session, Token, User

T = TypeVar("T")


class Accounts:
    """Who may log in. `by` is who asks, for the audit."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.passwords = passwords.Passwords(core)
        self._uses = last_use.LastUses(core)
        self._tokens = tokens.TokenCache(core, self._uses)
        core.listen(Listener(foreign_commit=lambda _: self._tokens.invalidate()))

    def _audited(
        self,
        apply: Callable[[Change, dt.datetime], T],
        by: str,
        action: str,
        subject: str,
        detail: Mapping[str, object] | None = None,
    ) -> Callable[[Change], T]:
        """A job that also notes who did it, in the same transaction."""

        def whole(change: Change) -> T:
            now = self._core.clock()
            result = apply(change, now)
            audit.append(change.db, now, by, action, subject, detail)
            return result

        return whole

    def add_user(
        self, name: str, role: str, password: str, *, by: str = LOCAL, first: str | None = None
    ) -> Future[None]:
        """Add a user; AuthError for an unknown role or a short password.

        With `first`, nobody of another role is added until somebody has that one: ConflictError.
        """
        passwords.require_role(role)
        password_hash = self.passwords.hash(password)

        def apply(change: Change, now: dt.datetime) -> None:
            users.add(change.db, name, role, password_hash, now, first=first)

        return self._core.write(self._audited(apply, by, "user.add", f"user {name}", {"role": role}))

    def set_password(self, name: str, password: str, *, by: str = LOCAL) -> Future[None]:
        """Change a password and end the user's sessions."""
        password_hash = self.passwords.hash(password)

        def apply(change: Change, now: dt.datetime) -> None:
            users.set_password_hash(change.db, name, password_hash, end_sessions=True)

        return self._core.write(self._audited(apply, by, "user.password", f"user {name}"))

    def remove_user(self, name: str, *, by: str = LOCAL, keep_one: str | None = None) -> Future[None]:
        """Remove a user with sessions and links; ConflictError if it is the last of the role `keep_one`."""

        def apply(change: Change, now: dt.datetime) -> None:
            users.remove(change.db, name, keep_one=keep_one)

        return self._core.write(self._audited(apply, by, "user.remove", f"user {name}"))

    def users(self) -> list[User]:
        """Everyone who may log in."""
        return self._core.read(users.all_users)

    def check_password(self, name: str, password: str, source: str = "") -> User | None:
        """The user, or None; AuthError 429 while locked for `source`. Takes some 0.2 s: call it off the event loop."""
        return self.passwords.check(name, password, source)

    def device_key(self) -> str:
        """The secret that signs device cookies; made when first asked for."""
        kept = self._core.read(lambda db: meta.get(db, meta.Key.DEVICE_KEY))
        return kept or self._core.write(_make_device_key).result()

    def add_session(self, user: str, hours: float, address: str | None = None) -> Future[str]:
        """A new session's secret; `address` is where the login came from."""
        more = {} if address is None else {"address": address}
        return self._add_secret("sessions", user, dt.timedelta(hours=hours), **more)

    def check_session(self, secret: str) -> Session | None:
        """The session a secret stands for."""
        found = self._core.read(lambda db: users.session(db, secret, self._core.clock()))
        if found is not None:
            self._uses.note(users.hash_secret(secret))
        return found

    def logins(self) -> list[Login]:
        """Everybody who is logged in, with the last use of each login."""
        return self._core.read(lambda db: last_use.logins(db, self._uses, self._core.clock()))

    def end_login(self, login_id: str, *, by: str = LOCAL) -> Future[None]:
        """End somebody's login by its id; NotFoundError where it is over already."""

        def apply(change: Change) -> None:
            user = last_use.end_login(change.db, login_id)
            if user is None:
                raise NotFoundError("this login has already ended")
            audit.append(change.db, self._core.clock(), by, "session.end", f"user {user}", {"login": login_id})

        return self._core.write(apply)

    def set_language(self, user: str, language: str) -> Future[None]:
        """Remember in which language somebody reads the page."""
        return self._core.write(lambda change: users.set_language(change.db, user, language))

    def end_session(self, secret: str) -> Future[None]:
        """Log out."""
        return self._core.write(lambda change: users.end_session(change.db, secret))

    def add_login_link(self, user: str, minutes: float) -> Future[str]:
        """A new one-time link's secret."""
        return self._add_secret("login_links", user, dt.timedelta(minutes=minutes))

    def use_login_link(self, secret: str) -> Future[str | None]:
        """Consume a link; resolves to its user's name, or None."""

        def apply(change: Change) -> str | None:
            now = self._core.clock()
            name = users.use_login_link(change.db, secret, now)
            if name is not None:
                audit.append(change.db, now, name, "login.link", f"user {name}")
            return name

        return self._core.write(apply)

    def _add_secret(self, table: str, user: str, valid_for: dt.timedelta, **more: str) -> Future[str]:
        secret = users.new_secret()

        def apply(change: Change) -> str:
            users.add_secret(change.db, table, user, secret, self._core.clock(), valid_for, **more)
            return secret

        return self._core.write(apply)

    def add_token(
        self,
        name: str,
        scopes: Sequence[str],
        expires_at: dt.datetime | None = None,
        *,
        by: str = LOCAL,
        secret: str | None = None,
    ) -> Future[str]:
        """Return a new token, which is never shown again: drawn here, or a given `secret` of at least 32 characters."""
        tokens.require_scopes(scopes)
        drawn = tokens.PREFIX + users.new_secret() if secret is None else tokens.require_unguessable(secret)

        def apply(change: Change, now: dt.datetime) -> str:
            tokens.add(change.db, name, scopes, drawn, now, expires_at)
            return drawn

        audited = self._audited(apply, by, "token.add", f"token {name}", {"scopes": sorted(scopes)})
        return self._core.write(audited, finish=self._drop_token_cache)

    def revoke_token(self, name: str, *, only_older: bool = False, by: str = LOCAL) -> Future[None]:
        """Revoke the tokens of a name; with `only_older` all but the newest, which ends a rotation."""

        def apply(change: Change, now: dt.datetime) -> None:
            tokens.revoke(change.db, name, only_older=only_older)

        audited = self._audited(apply, by, "token.revoke", f"token {name}", {"only_older": only_older})
        return self._core.write(audited, finish=self._drop_token_cache)

    def tokens(self) -> list[Token]:
        """Tokens, by name, with their last use; the secrets are not kept."""
        last = self._uses.last
        return [
            replace(t, last_used_at=last(sha256, t.last_used_at)) for sha256, t in self._core.read(tokens.all_tokens)
        ]

    def check_token(self, token: str) -> Token | None:
        """The token a secret stands for, from memory."""
        return self._tokens.find(token)

    def _drop_token_cache(self, _: sqlite3.Connection, result: T) -> T:
        """The `finish` of jobs that change tokens: the next check reads them again."""
        self._tokens.invalidate()
        return result


def _make_device_key(change: Change) -> str:
    """Two first logins at once must agree, so it is looked for again in the transaction."""
    key = meta.get(change.db, meta.Key.DEVICE_KEY) or users.new_secret()
    meta.put(change.db, meta.Key.DEVICE_KEY, key)
    return key
