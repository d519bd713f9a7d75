"""`edge identity ...`: who this device is, and a new identity for a copy."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config
from edge.errors import ExitCode, ImageError
from edge.store import Store
from edge.store.identity import identity

app = typer.Typer(help="Who this box is.", no_args_is_help=True)


@app.command("show")
def identity_show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print this box's id and whether it is still on its machine; ends with 1 where it looks like a clone."""
    settings = read_config(config)
    data_dir = settings.data_dir
    _require_made((data_dir / "edge.db").exists(), str(data_dir))
    with Store.open(data_dir) as store:
        found = store.identity.look()
    if as_json:
        told = {"bound_at": found.bound_at, "changed": list(found.changed), "is_clone": found.is_clone}
        ids = {"device_id": found.device_id, "box_id": settings.box_id or found.device_id}
        print_json({**ids, **told, "fix": identity.FIX if found.is_clone else None})
    else:
        out.print(found.sentence(settings.box_id) + (f". Fix: {identity.FIX}." if found.is_clone else "."))
    if found.is_clone:
        raise typer.Exit(int(ExitCode.FAILED))


@app.command("new")
def identity_new(
    yes: Annotated[bool, typer.Option("--yes", help="do it; without this, only say what would be done")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a copy an identity of its own: id, keys, certificate and feed epoch.

    Tokens, logins and known devices are withdrawn. Users, the list and hits stay. The service must be stopped.
    """
    data_dir = read_config(config).data_dir
    _require_made((data_dir / "edge.db").exists(), str(data_dir))
    if not yes:
        with Store.open(data_dir) as store:
            num_tokens, num_logins, known = len(store.tokens()), len(store.logins()), store.box_id
        if as_json:
            print_json({"former": known, "tokens": num_tokens, "logins": num_logins, "is_done": False})
            return
        withdrawn = f"{num_tokens} tokens and {num_logins} logins would be withdrawn"
        out.print(f"{known} would get a new id, keys, certificate and epoch; {withdrawn}.")
        out.print("Nothing was changed: stop the service, and give --yes.")
        return
    former, made = identity.renew(data_dir, dt.datetime.now(dt.UTC))
    if as_json:
        print_json({"former": former, "device_id": made, "is_done": True})
    else:
        out.print(f"{former} is now {made}. Add tokens anew, and give servers the new certificate's fingerprint.")


@app.command("keep")
def identity_keep(config: ConfigOption = None) -> None:
    """Keep the identity on this machine, where the disk was moved for good and the other box is gone."""
    data_dir = read_config(config).data_dir
    _require_made((data_dir / "edge.db").exists(), str(data_dir))
    with Store.open(data_dir) as store:
        store.identity.keep()
        out.print(f"{store.box_id} now belongs to this machine.")


def _require_made(is_made: bool, where: str) -> None:
    if not is_made:
        raise ImageError(f"{where}: no identity has been made yet; it is made when the service first starts")
