"""The `edge` command: its groups, and the one place where an error becomes a paragraph and an exit code."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edge import __version__, disclosure
from edge.cli import (
    audit,
    backup,
    bench,
    camera,
    commission,
    demo,
    detect,
    doctor,
    drill,
    embed,
    enhance,
    enrol,
    eval,
    eval_restore,
    explain,
    forget,
    identity,
    models,
    probe,
    process,
    release,
    replay,
    run,
    streams,
    token,
    user,
    watchlist,
)
from edge.errors import EdgeError, ExitCode
from edge.names import printable

app = typer.Typer(
    name="edge",
    help="A small box beside the camera: finds the faces of a small watchlist, and shows how it decided.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    run.run,
    demo.demo,
    doctor.doctor,
    drill.drill,
    bench.bench,
    probe.probe,
    commission.commission,
    process.process,
    detect.detect,
    embed.embed,
    enrol.enrol,
    forget.forget,
    explain.explain,
    replay.replay,
    enhance.enhance,
):
    app.command()(command)
eval.app.command("restore")(eval_restore.eval_restore)
for name, group in (
    ("camera", camera),
    ("watchlist", watchlist),
    ("eval", eval),
    ("models", models),
    ("user", user),
    ("token", token),
    ("audit", audit),
    ("release", release),
    ("identity", identity),
    ("backup", backup),
):
    app.add_typer(group.app, name=name)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> int:
    """Run the command line and return its exit code."""
    disclosure.guard_tracebacks()
    streams.prepare()
    try:
        code = _run()
        streams.finish()
        return code
    except EdgeError as error:
        streams.abandon()
        print(f"edge: {printable(disclosure.hide(str(error)))}", file=sys.stderr)  # noqa: T201
        return int(error.exit_code)
    except (streams.ReaderGone, BrokenPipeError):
        streams.abandon()
        return int(ExitCode.OK)
    except KeyboardInterrupt:
        print("edge: stopped", file=sys.stderr)  # noqa: T201
        return 130


def _run() -> int:
    try:
        app()
    except SystemExit as stop:
        return int(stop.code or 0) if not isinstance(stop.code, str) else int(ExitCode.FAILED)
    return int(ExitCode.OK)
