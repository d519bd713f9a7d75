"""Rows of people who may log in: users, their sessions and one-time login links. Secrets are kept as hashes only."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import sqlite3

from edge.errors import ConflictError, NotFoundError
from edge.store.codec import time_from_text, time_to_text
from edge.store.database.connect import table
from edge.store.rows import Session, User


def new_secret() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is kept of a secret. A fast hash will do: 256 random bits can't be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add(
    db: sqlite3.Connection, name: str, role: str, password_hash: str, now: dt.datetime, *, first: str | None = None
) -> None:
    """Add a user; ConflictError for a known name, or while nobody has the role `first` and this user would not."""
    if find(db, name) is not None:
        raise ConflictError(f"user {name!r} exists already; set a new password, or remove the user first")
    if first not in (None, role) and not db.execute("SELECT 1 FROM users WHERE role = ?", (first,)).fetchone():
        raise ConflictError(
            f"there is no {first} yet, and nobody else can add people on the page and change the list: add one first "
            f"(`edge user add NAME --role {first}`), then this {role}"
        )
    row = {"name": name, "role": role, "password_hash": password_hash, "created_at": time_to_text(now)}
    table(db, "users").insert(row)


def set_password_hash(db: sqlite3.Connection, name: str, password_hash: str, *, end_sessions: bool) -> None:
    """Change a password; who is logged in with the old one is logged out."""
    if db.execute("UPDATE users SET password_hash = ? WHERE name = ?", (password_hash, name)).rowcount == 0:
        raise NotFoundError(f"there is no user {name!r}")
    if end_sessions:
        db.execute("DELETE FROM sessions WHERE user = ?", (name,))
        db.execute("DELETE FROM login_links WHERE user = ?", (name,))


def set_language(db: sqlite3.Connection, name: str, language: str) -> None:
    """Remember in which language a user reads the page."""
    db.execute("UPDATE users SET language = ? WHERE name = ?", (language, name))


def remove(db: sqlite3.Connection, name: str, *, keep_one: str | None = None) -> None:
    """Remove a user with sessions and links; ConflictError if it is the last of the role `keep_one`."""
    found = find(db, name)
    if found is not None and found[0].role == keep_one:
        others = db.execute("SELECT count(*) FROM users WHERE role = ? AND name <> ?", (keep_one, name)).fetchone()[0]
        if not others:
            raise ConflictError(f"{name!r} is the last {keep_one}: add another one first")
    if db.execute("DELETE FROM users WHERE name = ?", (name,)).rowcount == 0:
        raise NotFoundError(f"there is no user {name!r}")


def all_users(db: sqlite3.Connection) -> list[User]:
    """Everyone who may log in, by name."""
    rows = db.execute("SELECT name, role, created_at FROM users ORDER BY name")
    return [User(name, role, time_from_text(at)) for name, role, at in rows]


def find(db: sqlite3.Connection, name: str) -> tuple[User, str] | None:
    """A user and the password's hash."""
    row = db.execute("SELECT name, role, created_at, password_hash FROM users WHERE name = ?", (name,)).fetchone()
    return None if row is None else (User(row[0], row[1], time_from_text(row[2])), row[3])


def add_secret(
    db: sqlite3.Connection, kind: str, user: str, secret: str, now: dt.datetime, valid_for: dt.timedelta, **more: str
) -> None:
    """Keep the hash of a secret (`kind`: sessions or login_links), and drop those past their time."""
    if find(db, user) is None:
        raise NotFoundError(f"there is no user {user!r}")
    kept = table(db, kind)
    kept.delete_where("expires_at <= ?", (time_to_text(now),))
    times = {"created_at": time_to_text(now), "expires_at": time_to_text(now + valid_for)}
    kept.insert({"secret_sha256": hash_secret(secret), "user": user, **times, **more})


def session(db: sqlite3.Connection, secret: str, now: dt.datetime) -> Session | None:
    """The session a cookie stands for."""
    row = db.execute(
        """SELECT users.name, users.role, sessions.expires_at, users.language
           FROM sessions JOIN users ON users.name = sessions.user
           WHERE secret_sha256 = ? AND expires_at > ?""",
        (hash_secret(secret), time_to_text(now)),
    ).fetchone()
    return None if row is None else Session(row[0], row[1], time_from_text(row[2]), row[3])


def end_session(db: sqlite3.Connection, secret: str) -> None:
    """Log out."""
    db.execute("DELETE FROM sessions WHERE secret_sha256 = ?", (hash_secret(secret),))


def use_login_link(db: sqlite3.Connection, secret: str, now: dt.datetime) -> str | None:
    """Consume a link; the name of its user if it was still good."""
    row = db.execute(
        "DELETE FROM login_links WHERE secret_sha256 = ? RETURNING user, expires_at", (hash_secret(secret),)
    ).fetchone()
    return row[0] if row is not None and row[1] > time_to_text(now) else None
