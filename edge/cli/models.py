"""`edge models ...`: the model packs of this box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from edge.cli.common import ConfigOption, JsonOption, err, out, print_json, read_config, table
from edge.errors import ExitCode
from edge.sessions import Pack

app = typer.Typer(
    help="Model packs: what is in them, whether they are whole, and which one is in use. `pull` fetches and checks a "
    "pack, `use` puts it in use after it has replayed the demo clip, `use --back` returns; the service takes it over "
    "when it is restarted.",
    no_args_is_help=True,
)


@app.command("list")
def list_models(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the models of the pack in use."""
    pack = Pack.open(read_config(config).models_dir)
    if as_json:
        print_json([entry.model_dump(mode="json") for entry in pack.manifest.models])
        return
    rows = table(None, "task", "name", "precision", "KiB", "default", "sha256", "licence")
    for e in pack.manifest.models:
        size = f"{e.bytes / 1024:.0f}"
        rows.add_row(e.task, e.name, e.precision, size, "yes" if e.default else "", e.sha256[:12], e.licence)
    out.print(rows)


@app.command("packs")
def list_packs(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the packs on this box, and which one is in use."""
    from edge.ops.packs.shelf import Shelf

    lines = Shelf(read_config(config)).lines()
    if as_json:
        print_json([{"name": p.name, "path": str(p.path), "digest": p.digest, "used": p.is_used,
                     "previous": p.is_previous, "problem": p.problem} for p in lines])  # fmt: skip
        return
    rows = table(None, "pack", "", "manifest", "folder")
    for p in lines:
        word = "in use" if p.is_used else "before" if p.is_previous else ""
        rows.add_row(p.name, word, (p.digest or "")[:12], p.problem or str(p.path))
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


@app.command()
def pull(
    source: Annotated[str, typer.Argument(help="https address with #sha256=..., or a tar archive, or a folder")],
    sha256: Annotated[str | None, typer.Option(help="SHA-256 the archive must have; an address needs one")] = None,
    signature: Annotated[
        str | None, typer.Option(help="OpenSSH signature of the archive [default: SOURCE.sig, where `signers` is set]")
    ] = None,
    name: Annotated[str | None, typer.Option(help="name of the pack on this box [default: from its manifest]")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a model pack, check hash, signature and every model, and put it beside the others; it is not in use yet."""
    from edge.app.packs import pull as pulling

    done = pulling.pull(read_config(config), source, sha256=sha256, signature=signature, name=name)
    if as_json:
        print_json({"name": done.name, "path": str(done.path), "sha256": done.sha256, "signed": done.is_signed})
        return
    out.print(f"{done.name} is whole{', signed' if done.is_signed else ''}. Put it in use: edge models use {done.name}")
    if done.sha256 and sha256 is None:
        out.print(f"SHA-256 of the archive, to compare: {done.sha256}")


@app.command()
def use(
    name: Annotated[str | None, typer.Argument(help="name of a pack, or packaged for the program's own")] = None,
    back: Annotated[bool, typer.Option("--back", help="return to the pack that was in use before")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a pack in use: check every file, replay the demo clip, embed the people again, move the link.

    Exits 1 and leaves the pack in use where the replay leaves its recorded band. Restart the service afterwards.
    """
    from edge.app.packs import use as using

    if back == (name is not None):
        raise typer.BadParameter("give the name of a pack, or --back")
    done = using.use(read_config(config), name)
    if as_json:
        print_json(done.as_json())
    else:
        _print_findings(using.as_json(done.findings))
        if done.is_used:
            out.print(f"{done.name} is in use from the next start on; restart the service.")
        if done.reembedded:
            out.print(
                f"{done.reembedded['swapped']} references were embedded by the new model; a service that still runs "
                "with the one before knows nobody until it is restarted."
            )
            for reference_id, problem in done.reembedded["failed"].items():
                err.print(f"{reference_id}: {problem}", soft_wrap=True)
    if not done.is_used:
        err.print(f"edge: {done.problem}", soft_wrap=True)
        raise typer.Exit(int(ExitCode.FAILED))


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Replay the demo clip with the pack in use, as after a change of program or driver; exits 1 outside the band."""
    from edge.app.packs import use as using

    findings = using.as_json(using.check(read_config(config))[1])
    if as_json:
        print_json({"ok": all(f["ok"] for f in findings), "replay": findings})
    else:
        _print_findings(findings)
    if not all(f["ok"] for f in findings):
        raise typer.Exit(int(ExitCode.FAILED))


def _print_findings(findings: Sequence[dict[str, Any]]) -> None:
    rows = table(None, "replay", "found", "recorded", "")
    for f in findings:
        rows.add_row(f["name"], f"{f['found']:g}", f"{f['low']:g} to {f['high']:g}", "" if f["ok"] else "outside")
    out.print(rows)
