"""`edge models ...`: the model packs of this box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from edge.cli.common import ConfigOption, JsonOption, err, out, print_json, progress_bars, read_config, table
from edge.errors import ExitCode

AdoptedTask = Literal["embed", "detect"]
ChannelOrder = Literal["RGB", "BGR"]
if TYPE_CHECKING:
    from edge.app.packs.use import Used

app = typer.Typer(
    help="Model packs: what is in them, whether they are whole, and which one is in use. `pull` fetches and checks a "
    "pack, `use` puts it in use after it has replayed the demo clip, `adopt` makes one of an ONNX file, `use --back` "
    "returns; the service takes it over "
    "when it is restarted.",
    no_args_is_help=True,
)


@app.command("list")
def list_models(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the models of the pack in use."""
    from edge.sessions import Pack

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
    from edge.sessions import Pack

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
    from edge.app.packs import pull as pack_pull

    done = pack_pull.pull(read_config(config), source, sha256=sha256, signature=signature, name=name)
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
    from edge.app.packs import use as pack_use

    if back == (name is not None):
        raise typer.BadParameter("give the name of a pack, or --back")
    with progress_bars() as tell:
        done = pack_use.use(read_config(config), name, tell)
    if as_json:
        print_json(done.as_json())
    _tell_used(done, as_json=as_json)


def _tell_used(done: Used, *, as_json: bool) -> None:
    """Print what became of a pack that was to be used; exits 1 where it is not in use."""
    from edge.app.packs import use as pack_use

    if not as_json:
        _print_findings(pack_use.as_json(done.findings))
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
def adopt(
    file: Annotated[Path | None, typer.Argument(help="ONNX file of a detector or an embedder")] = None,
    task: Annotated[AdoptedTask | None, typer.Option(help="what the file is for [default: told by the file]")] = None,
    color: Annotated[ChannelOrder | None, typer.Option(help="order of the channels the file takes")] = None,
    mean: Annotated[str | None, typer.Option(help="what is subtracted, in 0..255: one number, or three: 1,2,3")] = None,
    std: Annotated[str | None, typer.Option(help="what is divided by afterwards, one number or three")] = None,
    faces: Annotated[
        Path | None, typer.Option(help="pictures of strangers to calibrate an embedder with, 50 people or more")
    ] = None,
    with_own: Annotated[
        float | None, typer.Option("--with-own", help="combine with the embedder in use, which gets this share: 0.5")
    ] = None,
    name: Annotated[str | None, typer.Option(help="name of the pack on this box [default: from its manifest]")] = None,
    back: Annotated[bool, typer.Option("--back", help="return to the pack that was in use before")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a pack of a public or own ONNX file, check it, put it in use, and embed the people anew.

    A well-known public file is recognised by its SHA-256. Another one needs --faces where it is an embedder, and
    --color, --mean and --std where its input is not as its kind usually has it. `--back` returns, as `use --back` does.
    """
    from edge.app.packs import adopt as adopting

    if back == (file is not None):
        raise typer.BadParameter("give an ONNX file, or --back")
    if file is None:
        use(name=None, back=True, config=config, as_json=as_json)
        return
    wish = adopting.Wish(file, task, color, _three(mean), _three(std), faces, with_own, name)
    with progress_bars() as tell:
        done = adopting.adopt(read_config(config), wish, tell)
    if as_json:
        print_json({**asdict(done), "used": done.used.as_json()})
    else:
        out.print(f"{file}: {done.known_as}; {done.task}; input {done.input}; licence: {done.licence}")
        if done.strangers:
            out.print("Strangers: " + ", ".join(f"{number} {kind}" for kind, number in done.strangers.items()))
        for kind, limit in done.limits.items():
            out.print(f"{kind} pictures: a match needs a similarity of {limit:.4f}, one false alert in 10,000 faces")
        if done.task == "embed" and not done.limits:
            out.print(
                "Nobody is enrolled yet: run `edge watchlist calibrate` afterwards, or the configured limit holds."
            )
    _tell_used(done.used, as_json=as_json)


def _three(text: str | None) -> tuple[float, ...] | None:
    """One number or three of an option, as three."""
    if text is None:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3):
        raise typer.BadParameter(f"{text!r}: give one number, or three with commas between")
    return numbers * 3 if len(numbers) == 1 else numbers


@app.command()
def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Replay the demo clip with the pack in use, as after a change of program or driver; exits 1 outside the band."""
    from edge.app.packs import use as pack_use

    with progress_bars() as tell:
        findings = pack_use.as_json(pack_use.check(read_config(config), tell)[1])
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
