"""`edge release ...`: releases side by side, and the check that a change has to pass."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, table, waiting
from edge.errors import ExitCode, ReleaseError

app = typer.Typer(help="Releases side by side; an update counts once it has shown that it works.", no_args_is_help=True)

RootOption = Annotated[Path, typer.Option("--root", help="where the releases are installed")]
UserOption = Annotated[str, typer.Option("--user", help="the service's user")]
UnitOption = Annotated[str, typer.Option("--unit", help="the service's systemd unit")]
WaitOption = Annotated[float, typer.Option("--wait-s", help="seconds it has to show that it works", min=1)]
ROOT = Path("/opt/edge")
TOKEN = "release-check"


def _releases(root: Path, unit: str, user: str, wait_s: float) -> Any:
    from edge.ops.release.releases import Releases
    from edge.ops.release.site import SystemdSite

    return Releases(root, SystemdSite(root, unit, user, wait_s))


@app.command("list")
def list_releases(root: RootOption = ROOT, as_json: JsonOption = False) -> None:
    """List the releases on this box."""
    lines = _releases(root, "", "", 1).list_releases()
    if as_json:
        print_json(lines)
        return
    rows = table(None, "release", "", "")
    for line in lines:
        state = "in use" if line["current"] else ""
        rows.add_row(line["version"], "whole" if line["whole"] else "not whole", "on trial" if line["trial"] else state)
    out.print(rows)


@app.command()
def use(
    version: str,
    root: RootOption = ROOT,
    unit: UnitOption = "edge.service",
    user: UserOption = "edge",
    wait_s: WaitOption = 120.0,
) -> None:
    """Put an installed release in use; it is rolled back unless it shows in time that it works."""
    out.print(_releases(root, unit, user, wait_s).use(version))


@app.command()
def settle(
    root: RootOption = ROOT,
    unit: UnitOption = "edge.service",
    user: UserOption = "edge",
    wait_s: WaitOption = 120.0,
) -> None:
    """Complete or roll back an interrupted update; runs at every start of the system."""
    out.print(_releases(root, unit, user, wait_s).settle())


@app.command()
def check(
    reference: Annotated[
        Path | None, typer.Option(help="folder of the sealed clip [default: the release's own]")
    ] = None,
    if_changed: Annotated[
        bool, typer.Option("--if-changed", help="only if program, pack, runtime or driver have changed")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay the sealed clip, embed the gallery again, and check that the figures are within the recorded band."""
    from edge.app.selfcheck import sealed_clip
    from edge.app.service.start import kept_kernels
    from edge.ops.system import systemd

    settings = read_config(config)
    if if_changed and not sealed_clip.changed_since(settings):
        print_json({"changed": False, "findings": []}) if as_json else out.print(
            "nothing has changed since the last check that passed"
        )
        return
    with waiting("replaying the sealed clip"):
        findings = sealed_clip.replay(settings, reference or sealed_clip.INSTALLED)
        findings += sealed_clip.check_gallery(settings)
    wrong = [f"{f.name} is {f.found:g}, recorded were {f.low:g} to {f.high:g}" for f in findings if not f.ok]
    if wrong:
        raise ReleaseError(f"the sealed clip does not give the recorded figures: {'; '.join(wrong)}")
    sealed_clip.note_held(settings)
    if systemd.is_booted():  # an image may be made on another processor than it will run on
        with waiting("compiling kernels"):
            kept_kernels.keep(settings.data_dir)  # else the trial would have to wait for it
    if as_json:
        print_json({"changed": True, "findings": [dataclasses.asdict(finding) for finding in findings]})
        return
    for finding in findings:
        out.print(f"{finding.name}: {finding.found:g}, within {finding.low:g} to {finding.high:g}")


@app.command()
def database(
    migrate: Annotated[
        bool,
        typer.Option("--migrate", help="migrate a copy and swap it in; pictures of another embedder are embedded anew"),
    ] = False,
    put_back: Annotated[bool, typer.Option("--put-back", help="put the database from before the update back")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="accept the update: delete the database from before it")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Update the database while the service is stopped; prints its schema and the end of the feed."""
    from edge.store import update

    settings = read_config(config)
    data_dir = settings.data_dir
    if migrate:
        from edge.app.people.embeddings import bring_database

        bring_database(settings, dt.datetime.now(dt.UTC))
    if put_back:
        update.roll_back(data_dir, dt.datetime.now(dt.UTC))
    if keep:
        update.accept(data_dir)
    about = dataclasses.asdict(update.database_facts(data_dir)) if not put_back else {"put_back": True}
    if as_json:
        print_json(about)
    else:
        out.print(", ".join(f"{name} {value}" for name, value in about.items()))


@app.command()
def token(
    revoke: Annotated[bool, typer.Option("--revoke", help="revoke the token")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a token, valid for an hour, with which an update pulls from its own box."""
    from edge.store import Store

    expires_at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    with Store.open(read_config(config).data_dir) as store:
        if any(one.name == TOKEN for one in store.tokens()):
            store.revoke_token(TOKEN).result()
        secret = None if revoke else store.add_token(TOKEN, ["alerts:read", "health:read"], expires_at).result()
    print_json({"token": secret}) if as_json else out.print(secret or "revoked")
    raise typer.Exit(int(ExitCode.OK))
