"""`edge token ...`: works on the data directory whether the service runs or not."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_rows, read_config, require
from edge.store import SCOPES, Store

app = typer.Typer(help="Machines that may pull.", no_args_is_help=True)


@app.command("add")
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


@app.command("revoke")
def token_revoke(
    name: str,
    older: Annotated[bool, typer.Option("--older", help="keep the newest of this name: ends a rotation")] = False,
    config: ConfigOption = None,
) -> None:
    """Revoke a name's tokens; they are refused from now on."""
    with Store.open(read_config(config).data_dir) as store:
        require(any(token.name == name for token in store.tokens()), f"no token {name!r}; `edge token list` shows them")
        store.revoke_token(name, only_older=older).result()
    out.print(f"{name}: all but the newest token are revoked." if older else f"{name} is revoked.")


@app.command("list")
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
    print_rows(rows, as_json, "name", "scopes", "expires_at")
