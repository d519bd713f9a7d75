"""`edge user ...` and `edge token ...`: work on the data directory whether the service runs or not."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, table
from edge.errors import AuthError, ConfigError
from edge.store import ROLES, SCOPES, Store
from edge.store.accounts.passwords import MIN_PASSWORD

users = typer.Typer(help="People who may log in to the page.", no_args_is_help=True)
tokens = typer.Typer(help="Machines that may pull.", no_args_is_help=True)

PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")]


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise ConfigError("no password: give it on standard input with --password-stdin, or run this in a terminal")
    if len(password) < MIN_PASSWORD:
        raise ConfigError(f"the password has {len(password)} characters: use at least {MIN_PASSWORD}")
    return password


@users.command("add")
def user_add(
    name: str,
    role: Annotated[str, typer.Option(help=", ".join(ROLES))],
    password_stdin: PasswordStdin = False,
    config: ConfigOption = None,
) -> None:
    """Add a person with a role."""
    if role not in ROLES:
        raise typer.BadParameter(f"{role!r} is no role: choose one of {', '.join(ROLES)}")
    password = _read_password(password_stdin)
    with Store.open(read_config(config).data_dir) as store:
        store.add_user(name, role, password).result()
    out.print(f"{name} may log in as {role}.")


@users.command("remove")
def user_remove(name: str, config: ConfigOption = None) -> None:
    """Remove a person; their sessions end."""
    with Store.open(read_config(config).data_dir) as store:
        _require(any(user.name == name for user in store.users()), f"no user {name!r}; `edge user list` shows them")
        store.remove_user(name).result()
    out.print(f"{name} is removed.")


@users.command("claim")
def user_claim(config: ConfigOption = None) -> None:
    """Print a new one-time code with which the first user, a supervisor, is made on the page of a new box."""
    with Store.open(read_config(config).data_dir) as store:
        code = store.claim.new_code().result()
    sys.stdout.write(code + "\n")


@users.command("password")
def user_password(name: str, password_stdin: PasswordStdin = False, config: ConfigOption = None) -> None:
    """Give a person a new password; their sessions end."""
    with Store.open(read_config(config).data_dir) as store:
        known = next((user for user in store.users() if user.name == name), None)
        _require(known is not None, f"no user {name!r}; `edge user list` shows them")
        assert known is not None
        password = _read_password(password_stdin)
        store.set_password(name, password).result()
    out.print(f"{name} has a new password.")


@users.command("list")
def user_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the people who may log in."""
    with Store.open(read_config(config).data_dir) as store:
        rows = [{"name": user.name, "role": user.role} for user in store.users()]
    _print(rows, as_json, "name", "role")


@tokens.command("add")
def token_add(
    name: str,
    scope: Annotated[list[str], typer.Option(help=" or ".join(SCOPES))],
    days: Annotated[float | None, typer.Option(help="days until it expires; never where left out", min=0.001)] = None,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="read the token from standard input instead of drawing one")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Add a token and print it, once."""
    for one in scope:
        if one not in SCOPES:
            raise typer.BadParameter(f"{one!r} is no scope: choose from {', '.join(SCOPES)}")
    expires_at = None if days is None else dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    with Store.open(read_config(config).data_dir) as store:
        given = sys.stdin.readline().strip() if secret_stdin else None
        secret = store.add_token(name, scope, expires_at, secret=given).result()
    sys.stdout.write(secret + "\n" if given is None else f"{name} is added.\n")


@tokens.command("revoke")
def token_revoke(
    name: str,
    older: Annotated[bool, typer.Option("--older", help="keep the newest of this name: ends a rotation")] = False,
    config: ConfigOption = None,
) -> None:
    """Revoke a name's tokens; they are refused from now on."""
    with Store.open(read_config(config).data_dir) as store:
        _require(
            any(token.name == name for token in store.tokens()), f"no token {name!r}; `edge token list` shows them"
        )
        store.revoke_token(name, only_older=older).result()
    out.print(f"{name}: all but the newest token are revoked." if older else f"{name} is revoked.")


@tokens.command("list")
def token_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List tokens, never their secrets."""
    with Store.open(read_config(config).data_dir) as store:
        rows = [
            {
                "name": t.name,
                "scopes": " ".join(t.scopes),
                "expires_at": t.expires_at.isoformat() if t.expires_at else "never",
            }
            for t in store.tokens()
        ]
    _print(rows, as_json, "name", "scopes", "expires_at")


def _require(held: bool, message: str) -> None:
    if not held:
        raise AuthError(message)


def _print(rows: list[dict[str, str]], as_json: bool, *headers: str) -> None:
    if as_json:
        print_json(rows)
        return
    made = table(None, *headers)
    for row in rows:
        made.add_row(*(row[header] for header in headers))
    out.print(made)
