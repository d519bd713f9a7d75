"""`edge bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, table, waiting

PARTS = ("p50_ms", "p95_ms", "p99_ms")


def bench(
    compare: Annotated[
        Path | None,
        typer.Option(
            "--compare", help="figures of an earlier run (--json); 10 % slower, against the same peer, ends with 1"
        ),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure this machine: ms per stage, frames per second, memory, provider and precision per model."""
    from edge.app.evaluation import bench as measuring
    from edge.app.evaluation import bench_compare

    before = None if compare is None else bench_compare.read_figures(compare)
    settings = read_config(config)
    with waiting("measuring"):
        figures = measuring.measure_stages(settings)
    if as_json:
        print_json(figures)
    else:
        _print(figures)
    notes = [bench_compare.busy_run(figures, "during this run")]
    if before is not None:
        notes += [
            bench_compare.busy_run(before, "when the file was written"),
            bench_compare.other_machine(figures, before),
        ]
    for why in notes:
        if why is not None:
            typer.echo(f"Note: {why}.", err=True)
    if before is not None:
        for line in (slower := bench_compare.slower_stages(figures, before)):
            typer.echo(f"Slower: {line}.", err=True)
        if slower:
            raise typer.Exit(1)


def _print(figures: dict[str, Any]) -> None:
    rows = table(None, "stage", "p50 ms", "p95 ms", "p99 ms", "CPU ms", "times the peer")
    for name, stage in figures["stages"].items():
        rows.add_row(name, *(f"{stage[part]:.2f}" for part in (*PARTS, "cpu_ms", "peer_ratio")))
    enhancement = figures["enhancement"]
    chain = enhancement["chain"]
    for name, stage in {**enhancement["steps"], "+".join(chain["steps"]): chain}.items():
        figures_of_step = (*(stage[part] for part in PARTS), stage["core_ms"])
        rows.add_row(f"{name}, one face, one core", *(f"{figure:.2f}" for figure in figures_of_step), "")
    out.print(rows)
    for one in enhancement["int8_beside_fp32"]:
        times, size = one["ms_ratio"], one["bytes_ratio"]
        out.print(f"{one['model']}: int8 takes {times:.2f} of the time and {size:.2f} of the bytes of {one['beside']}")
    out.print(
        f"{figures['frames_per_s']:.0f} frames/s of {figures['frame']['width']} x {figures['frame']['height']}, "
        f"{figures['frame']['faces']} faces, {figures['threads']} threads; peak memory {figures['memory_mb']:.0f} MB"
    )
    for name, model in figures["models"].items():
        out.print(f"{name}: {model['name']} ({model['precision']}) on {model['provider']}, {model['sha256']}")
    features = ", ".join(figures["processor"]["features"]) or "none that models use"
    power = "" if figures["watts"] is None else f"; the board draws {figures['watts']:.1f} W"
    out.print(f"processor: {figures['processor']['name']}, with {features}{power}")
