"""`edge user ...`: works on the data directory whether the service runs or not."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, err, out, print_rows, read_config, require
from edge.errors import ConfigError, PasswordError
from edge.reach import page_url
from edge.store import ROLES, Store
from edge.store.accounts.passwords import MIN_PASSWORD
from edge.store.audit.audit import LOCAL

app = typer.Typer(help="People who may log in to the page.", no_args_is_help=True)


PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="read the password from standard input")]


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise ConfigError("no password: give it on standard input with --password-stdin, or run this in a terminal")
    if len(password) < MIN_PASSWORD:
        raise PasswordError(f"the password has {len(password)} characters: use at least {MIN_PASSWORD}")
    return password


@app.command("add")
def user_add(
    name: str,
    role: Annotated[str, typer.Option(help=", ".join(ROLES))],
    password_stdin: PasswordStdin = False,
    config: ConfigOption = None,
) -> None:
    """Add a person with a role; the first one is a supervisor, who can do everything on the page."""
    if role not in ROLES:
        raise typer.BadParameter(f"{role!r} is no role: choose one of {', '.join(ROLES)}")
    password = _read_password(password_stdin)
    with Store.open(read_config(config).data_dir) as store:
        store.add_user(name, role, password, first="supervisor").result()
    out.print(f"{name} may log in as {role}.")


@app.command("remove")
def user_remove(name: str, config: ConfigOption = None) -> None:
    """Remove a person; their sessions end."""
    with Store.open(read_config(config).data_dir) as store:
        require(any(user.name == name for user in store.users()), f"no user {name!r}; `edge user list` shows them")
        store.remove_user(name).result()
    out.print(f"{name} is removed.")


@app.command("claim")
def user_claim(config: ConfigOption = None) -> None:
    """Print a new one-time code; entered on the page of a new box, it makes the first user, a supervisor."""
    with Store.open(read_config(config).data_dir) as store:
        code = store.claim.new_code().result()
    sys.stdout.write(code + "\n")


@app.command("link")
def user_link(
    name: str,
    minutes: Annotated[float, typer.Option(help="minutes for which the link works", min=1, max=1440)] = 15,
    config: ConfigOption = None,
) -> None:
    """Print a link that logs a person in once, without their password: for who has lost it, or has just been added."""
    settings = read_config(config)
    with Store.open(settings.data_dir) as store:
        require(any(user.name == name for user in store.users()), f"no user {name!r}; `edge user list` shows them")
        secret = store.add_login_link(name, minutes).result()
        store.audit(LOCAL, "user.link", f"user {name}", {"minutes": minutes}).result()
    sys.stdout.write(f"{page_url(settings.serve)}/login/link?token={secret}\n")
    err.print(f"This link logs {name} in once, within {minutes:g} minutes.")


@app.command("password")
def user_password(name: str, password_stdin: PasswordStdin = False, config: ConfigOption = None) -> None:
    """Give a person a new password; their sessions end."""
    with Store.open(read_config(config).data_dir) as store:
        known = next((user for user in store.users() if user.name == name), None)
        require(known is not None, f"no user {name!r}; `edge user list` shows them")
        assert known is not None
        password = _read_password(password_stdin)
        store.set_password(name, password).result()
    out.print(f"{name} has a new password.")


@app.command("list")
def user_list(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the people who may log in."""
    with Store.open(read_config(config).data_dir) as store:
        rows = [{"name": user.name, "role": user.role} for user in store.users()]
    print_rows(rows, as_json, "name", "role")
