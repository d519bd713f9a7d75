"""`edge models ...`."""

from __future__ import annotations

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, table
from edge.errors import ExitCode
from edge.sessions import Pack

app = typer.Typer(help="The model pack: what is in it, and whether it is whole.", no_args_is_help=True)


@app.command("list")
def list_models(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the pack's models."""
    pack = Pack.open(read_config(config).models_dir)
    if as_json:
        print_json([entry.model_dump(mode="json") for entry in pack.manifest.models])
        return
    rows = table(None, "task", "name", "precision", "KiB", "default", "sha256", "licence")
    for e in pack.manifest.models:
        size = f"{e.bytes / 1024:.0f}"
        rows.add_row(e.task, e.name, e.precision, size, "yes" if e.default else "", e.sha256[:12], e.licence)
    out.print(rows)


@app.command()
def verify(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Load every model as the service would: hash, opset, shapes, a run."""
    settings = read_config(config)
    results = Pack.open(settings.models_dir).verify(settings.runtime)
    if as_json:
        print_json(
            [
                {"name": r.entry.name, "file": r.entry.file, "ok": r.ok, "problem": r.problem, "provider": r.provider}
                for r in results
            ]
        )
    else:
        for r in results:
            out.print(f"{r.entry.name}: whole, runs on {r.provider}" if r.ok else f"{r.entry.name}: {r.problem}")
    if not all(r.ok for r in results):
        raise typer.Exit(int(ExitCode.CONFIG))
