"""`edge run`, `edge demo`, `edge doctor`, `edge bench`."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Annotated

import typer
from rich.markup import escape

from edge.cli.common import ConfigOption, JsonOption, err, out, print_json, read_config, table
from edge.errors import ExitCode


def run(config: ConfigOption = None) -> None:
    """Run the service until it is told to stop."""
    from edge.app.service import logs, service

    settings = read_config(config)
    logs.start(settings.runtime.log_level)
    asyncio.run(service.run(settings))


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="wait for the hit over HTTP and on the page, print it, stop")
    ] = False,
    port: Annotated[int, typer.Option(help="TCP port of the page; 0 takes a free one")] = 0,
) -> None:
    """Run the whole service on a rendered clip: no camera, no account, no download."""
    from edge.app import demo as show
    from edge.app.service import logs

    logs.start("warning")
    found = asyncio.run(show.run(once=once, port=port, say=lambda text: err.print(text, soft_wrap=True)))
    if once:
        if found is None:
            err.print("edge: the demo's hit did not arrive in time; `edge doctor` says what is wrong with this machine")
            raise typer.Exit(int(ExitCode.FAILED))
        print_json(found)


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check this box in under 30 seconds: each check passes, warns or fails, with a line that says how to fix it."""
    from edge.ops import doctor as checks

    report = checks.examine(config)
    if as_json:
        told = {"ok": report.ok, "checks": [r.as_json() for r in report.checks], "settings": report.settings}
        print_json(told)
    else:
        rows = table(None, "check", "", "found", "what to do")
        colors = {"pass": "green", "warn": "yellow", "fail": "red"}
        for r in report.checks:
            rows.add_row(escape(r.name), f"[{colors[r.status]}]{r.status}[/]", escape(r.found), escape(r.fix or ""))
        out.print(rows)
        counts = Counter(r.status for r in report.checks)
        out.print(f"{counts['pass']} pass, {counts['warn']} warn, {counts['fail']} fail.")
    if not report.ok:
        raise typer.Exit(int(ExitCode.FAILED))


def bench(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Measure this machine: ms per stage, frames per second, memory, provider and precision per model."""
    from edge.app.evaluation import bench as measuring

    figures = measuring.measure_stages(read_config(config))
    if as_json:
        print_json(figures)
        return
    rows = table(None, "stage", "p50 ms", "p95 ms")
    for name, stage in figures["stages"].items():
        rows.add_row(name, f"{stage['p50_ms']:.2f}", f"{stage['p95_ms']:.2f}")
    enhancement = figures["enhancement"]
    chain = enhancement["chain"]
    for name, stage in {**enhancement["steps"], "+".join(chain["steps"]): chain}.items():
        work = f"{name}, one face, one core, which works {stage['core_ms']:.1f} ms"
        rows.add_row(work, f"{stage['p50_ms']:.2f}", f"{stage['p95_ms']:.2f}")
    out.print(rows)
    for one in enhancement["int8_beside_fp32"]:
        times, size = one["ms_ratio"], one["bytes_ratio"]
        out.print(f"{one['model']}: int8 takes {times:.2f} of the time and {size:.2f} of the bytes of {one['beside']}")
    out.print(
        f"{figures['frames_per_s']:.0f} frames/s of {figures['frame']['width']} x {figures['frame']['height']}, "
        f"{figures['frame']['faces']} faces, {figures['threads']} threads; peak memory {figures['memory_mb']:.0f} MB"
    )
    for name, model in figures["models"].items():
        out.print(f"{name}: {model['name']} ({model['precision']}) on {model['provider']}")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (run, demo, doctor, bench):
        app.command()(command)
