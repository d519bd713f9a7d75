"""The claim code: whoever types it becomes the first supervisor of a new device."""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from concurrent.futures import Future

from edge.errors import AuthError, ConfigError, ConflictError
from edge.store.accounts import users
from edge.store.accounts.passwords import Passwords
from edge.store.audit import audit
from edge.store.core import Core
from edge.store.database import meta
from edge.store.database.jobs import Change

_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
"""Letters and digits of a code, without those easily confused: I, L, O, U, 0, 1."""
CODE_LETTERS = 12


class Claim:
    """Part of the store."""

    def __init__(self, core: Core, passwords: Passwords) -> None:
        self._core = core
        self._passwords = passwords

    def is_claimed(self) -> bool:
        """Whether anybody can log in."""
        return self._core.read(_has_users)

    def new_code(self, given: str | None = None) -> Future[str]:
        """A code, drawn or `given`, in place of any earlier one; ConflictError once there is a user.

        ConfigError for a given code of fewer than 12 letters and digits that count.
        """
        code = "".join(secrets.choice(_LETTERS) for _ in range(CODE_LETTERS)) if given is None else _letters_of(given)
        if len(code) < CODE_LETTERS:
            raise ConfigError(f"the claim code has {len(code)} usable letters and digits; give it {CODE_LETTERS}")

        def apply(change: Change) -> str:
            _require_unclaimed(change.db)
            meta.put(change.db, meta.Key.CLAIM, users.hash_secret(code))
            return "-".join(code[at : at + 4] for at in range(0, len(code), 4))

        return self._core.write(apply)

    def redeem(self, code: str, name: str, password: str) -> Future[None]:
        """Use up the code and add the first supervisor; AuthError where it is not the right one."""
        given = users.hash_secret(_letters_of(code))
        # Checked before the password is hashed, so that guesses cost no argon2, and again in the transaction, because
        # two claims may race.
        self._core.read(lambda db: _require_code(db, given))
        password_hash = self._passwords.hash(password)

        def apply(change: Change) -> None:
            _require_code(change.db, given)
            users.add(change.db, name, "supervisor", password_hash, self._core.clock())
            audit.append(change.db, self._core.clock(), name, "box.claim", name)
            meta.take(change.db, meta.Key.CLAIM)

        return self._core.write(apply)


def _letters_of(code: str) -> str:
    """The code in upper case, without dashes, spaces and letters that never occur."""
    return "".join(letter for letter in code.upper() if letter in _LETTERS)


def _has_users(db: sqlite3.Connection) -> bool:
    return db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is not None


def _require_unclaimed(db: sqlite3.Connection) -> None:
    if _has_users(db):
        raise ConflictError("this box has been claimed: log in, or have somebody who can log in add a user")


def _require_code(db: sqlite3.Connection, given: str) -> None:
    _require_unclaimed(db)
    kept = meta.get(db, meta.Key.CLAIM)
    if kept is None or not hmac.compare_digest(kept, given):
        raise AuthError(
            "this is not the code that the box printed last: 'edge user claim' prints a new one", status=403
        )
