"""The `edge` command: its groups, and the one place where an error becomes a paragraph and an exit code."""

from __future__ import annotations

import os
import resource
import signal
import sys
from types import FrameType, ModuleType
from typing import Annotated, Any, NoReturn

import typer

from edge import __version__, disclosure
from edge.cli import demo, process, streams, token
from edge.cli.common import take_untold
from edge.cli.installers import (
    backup,
    camera,
    commission,
    config,
    doctor,
    identity,
    probe,
    release,
    run,
    setup,
)
from edge.cli.measures import bench, eval, eval_restore, models
from edge.cli.pictures import detect, embed, enhance, explain, replay
from edge.cli.supervisors import audit, drill, enrol, forget, user, watchlist
from edge.errors import EdgeError, ExitCode
from edge.names import printable

app = typer.Typer(
    name="edge",
    help="A small box beside the camera: finds the faces of a small watchlist, and shows how it decided.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PANELS: dict[str, tuple[Any, ...]] = {
    "To try it": (demo.demo, process.process),
    "For installers": (
        setup.setup,
        camera,
        config,
        run.run,
        doctor.doctor,
        commission.commission,
        probe.probe,
        backup,
        identity,
        release,
    ),
    "For supervisors": (enrol.enrol, forget.forget, watchlist, user, drill.drill, audit),
    "For central servers": (token,),
    "To look into one picture or hit": (
        detect.detect,
        embed.embed,
        enhance.enhance,
        explain.explain,
        replay.replay,
    ),
    "To measure, and to change models": (eval, bench.bench, models),
}
"""Commands and groups (modules with an `app`) by who uses them, in the order of `edge --help`."""
eval.app.command("restore")(eval_restore.eval_restore)
for panel, members in PANELS.items():
    for one in members:
        if isinstance(one, ModuleType):
            app.add_typer(one.app, name=one.__name__.rpartition(".")[2], rich_help_panel=panel)
        else:
            app.command(rich_help_panel=panel)(one)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


class _EndedBySignal(BaseException):
    """Somebody ended the program, or closed its terminal."""

    def __init__(self, number: int) -> None:
        self.number = number


def _leave_nothing_behind() -> None:
    """A crash writes no memory, and so no face, to the disk; a signal that ends us lets temporary folders go first."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)  # a second one ends us at once
    raise _EndedBySignal(number)


def main() -> int:
    """Run the command line and return its exit code."""
    _leave_nothing_behind()
    disclosure.guard_tracebacks()
    streams.prepare()
    try:
        code = _run()
        streams.finish()
        if told := take_untold():
            print(f"edge: {told}", file=sys.stderr)  # noqa: T201
        return code
    except EdgeError as error:
        streams.abandon()
        told = take_untold()
        more = f" ({told})" if told else ""
        print(f"edge: {printable(disclosure.hide(str(error)))}{more}", file=sys.stderr)  # noqa: T201
        return int(error.exit_code)
    except (streams.ReaderGone, BrokenPipeError):
        streams.abandon()
        return int(ExitCode.OK)
    except KeyboardInterrupt:
        print("edge: stopped", file=sys.stderr)  # noqa: T201
        return 130
    except _EndedBySignal as ended:
        os.kill(os.getpid(), ended.number)  # whoever waits for us sees what ended us
        return 128 + ended.number


def _run() -> int:
    try:
        app()
    except SystemExit as stop:
        return int(stop.code or 0) if not isinstance(stop.code, str) else int(ExitCode.FAILED)
    return int(ExitCode.OK)
