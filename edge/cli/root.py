"""The `edge` command: its groups, and the one place where an error becomes a paragraph and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edge import __version__
from edge.cli import (
    audit,
    commission,
    enhance,
    enrol,
    eval,
    explain,
    forget,
    models,
    process,
    release,
    run,
    user,
    watchlist,
)
from edge.errors import EdgeError, ExitCode

app = typer.Typer(
    name="edge",
    help="A small box beside the camera: finds and recognises faces of a small watchlist, and shows its work.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (run, commission, process):
    group.register(app)
app.command()(enrol.enrol)
app.command()(forget.forget)
explain.register(app)
enhance.register(app, eval.app)
app.add_typer(watchlist.watchlist, name="watchlist")
app.add_typer(eval.app, name="eval")
app.add_typer(models.app, name="models")
app.add_typer(user.users, name="user")
app.add_typer(user.tokens, name="token")
app.add_typer(audit.audit, name="audit")
app.add_typer(release.app, name="release")


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        app()
    except SystemExit as stop:
        return int(stop.code or 0) if not isinstance(stop.code, str) else ExitCode.FAILED
    except EdgeError as error:
        print(f"edge: {error}", file=sys.stderr)  # noqa: T201
        return int(error.exit_code)
    except BrokenPipeError:
        # The reader of our output went away (`edge ... | head`): not our failure, and nobody is left to tell.
        sys.stderr.close()
        return int(ExitCode.OK)
    except KeyboardInterrupt:
        print("edge: stopped", file=sys.stderr)  # noqa: T201
        return 130
    return int(ExitCode.OK)
