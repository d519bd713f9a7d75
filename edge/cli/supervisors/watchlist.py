"""`edge watchlist ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress, read_config, table, waiting
from edge.cli.supervisors.enrol import outcome_json
from edge.errors import ExitCode, StoreError
from edge.names import counted, printable
from edge.store import Store
from edge.store.audit.audit import LOCAL

app = typer.Typer(help="The people looked for.", no_args_is_help=True)


@app.command("list")
def list_people(
    references: Annotated[bool, typer.Option("--references", help="list each picture, too")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the people looked for."""
    with Store.open(read_config(config).data_dir) as store:
        counts: dict[str, int] = {}
        aside, kept = store.calibration.set_aside_ids(), store.references()
        for reference in kept:
            counts[reference.person_id] = counts.get(reference.person_id, 0) + 1
        version, digest = store.watchlist_version()
        people = [
            {"id": p.person_id, "name": p.name, "status": p.status, "references": counts.get(p.person_id, 0)}
            for p in store.people()
        ]
    if as_json:
        pictures = [
            {"id": r.reference_id, "person": r.person_id, "source": r.source, "aside": r.reference_id in aside}
            for r in kept
        ]
        more = {"references": pictures} if references else {}
        print_json({"version": version, "digest": digest, "people": people, **more})
        return
    rows = table(f"Watchlist version {version}", "id", "name", "status", "references")
    for p in people:
        rows.add_row(str(p["id"]), str(p["name"]), str(p["status"]), str(p["references"]))
    out.print(rows)
    if references:
        rows = table(None, "reference", "person", "picture", "")
        for r in kept:
            rows.add_row(r.reference_id, r.person_id, r.source, "set aside" if r.reference_id in aside else "")
        out.print(rows)


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="our archive (.zip), Dataset/<class>/<images>, or the JSON beside it")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="print who would get which pictures, and change nothing")
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol everybody of an archive or of the classic layout."""
    from edge.app.build import load_models
    from edge.app.people.people import People
    from edge.app.people.transfer import import_people

    settings = read_config(config)
    if dry_run:
        _print_plan(settings.data_dir, path, as_json=as_json)
        return
    models = load_models(settings)
    with Store.open(settings.data_dir) as store, progress() as bar:
        task = bar.add_task("enrolling", total=None)
        people = People(store, lambda: models)
        done = import_people(people, path, progress=lambda n, total: bar.update(task, completed=n, total=total))
    if as_json:
        enrolled = [outcome_json(one) for one in done.enrolled]
        refused = list(map(str, done.refused))
        print_json({"enrolled": enrolled, "refused": refused, "made_ids": done.made_ids, "notes": done.notes})
    else:
        for line in done.lines():
            out.print(line, markup=False)
        for person_id, name in done.made_ids.items():
            out.print(f"{name!r} can't be an id; the id of this person is {person_id}.")
        out.print(f"{counted(len(done.enrolled), 'person', 'people')} enrolled, {len(done.refused)} refused.")
    if done.refused:
        raise typer.Exit(int(ExitCode.DATA))


def _print_plan(data_dir: Path, path: Path, *, as_json: bool) -> None:
    """What an import would do: each person with the first picture, and what would be passed over."""
    from edge.app.people.transfer import plan_import

    known: set[str] = set()
    if (data_dir / "edge.db").is_file():
        with Store.open(data_dir) as store:
            known = {person.person_id for person in store.people()}
    planned, notes = plan_import(path, known)
    people = [
        {
            "folder": one.folder,
            "paired_by": one.paired_by,
            "id": one.person.person_id,
            "name": one.person.name,
            "status": one.person.status,
            "pictures": one.num_pictures,
            "first": one.first_picture,
        }
        for one in planned
    ]
    if as_json:
        print_json({"people": people, "notes": notes})
        return
    rows = table(None, "folder", "by", "id", "name", "status", "pictures", "first picture")
    for row in people:
        rows.add_row(*(escape("" if value is None else str(value)) for value in row.values()))
    out.print(rows)
    for note in notes:
        out.print(note, markup=False)
    out.print("Nothing was changed; without --dry-run these people are enrolled.")


@app.command("calibrate")
def calibrate(
    one_in: Annotated[float, typer.Option("--one-in", help="faces of strangers per false alert", min=2)] = 10_000,
    min_margin: Annotated[
        float | None, typer.Option(help="lead over the runner-up [default: chosen for this list]", min=0, max=2)
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", help="keep the limits; the pipeline uses them from then on")
    ] = False,
    reset: Annotated[bool, typer.Option("--reset", help="go back to the limits of the configuration")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score synthetic strangers against this list; print the limits for a wanted rate of false alerts."""
    from edge.app.build import load_models
    from edge.app.people.people import People

    settings = read_config(config)
    with Store.open(settings.data_dir) as store:
        if reset:
            People(store).reset_limits(by=LOCAL)
            out.print("The limits of the configuration are in force again.")
            return
        with waiting("scoring strangers against this list"):
            models = load_models(settings)
            people = People(store, lambda: models)
            done = people.calibrate(settings, one_in=one_in, min_margin=min_margin, write=write)
    if as_json:
        print_json(done)
        return
    for kind, found in done["kinds"].items():
        rows = table(f"{kind} pictures, list of {done['people']}", "one false alert in", "min_similarity")
        for row in found["curve"]:
            rows.add_row(f"{row['one_in']:,} faces", f"{row['min_similarity']:.3f}")
        out.print(rows)
        now = found["now"]
        out.print(
            f"For one in {one_in:,.0f}: min_similarity {found['min_similarity']:.4f}, margin {done['min_margin']:g}. "
            f"In force: {now['min_similarity']:.4f} ({now['source']})."
        )
    shared = max(found["shared_likeness"] for found in done["kinds"].values())
    if shared > 0:
        out.print(
            f"The pictures of this list resemble one another by {shared:.3f} more than strangers from elsewhere do, as "
            "pictures of one camera would; strangers are taken to come before that camera, too."
        )
    if done["margins"]:
        costs = table("listed people, made-up captures", "min_margin", "not named", "wrong name")
        for row in done["margins"]:
            chosen = " (chosen)" if row["min_margin"] == done["min_margin"] else ""
            costs.add_row(f"{row['min_margin']:g}{chosen}", f"{row['missed']:.1%}", f"{row['misnamed']:.2%}")
        out.print(costs)
    out.print("Kept; a running service uses them within a second." if write else "Nothing changed; --write keeps them.")


@app.command("set-aside")
def set_aside(reference_id: str, config: ConfigOption = None) -> None:
    """Leave one reference out of every search; `restore` brings it back."""
    from edge.app.people.people import People

    with Store.open(read_config(config).data_dir) as store:
        People(store).set_aside(reference_id, by=LOCAL)
    out.print(f"{reference_id} is set aside; `edge watchlist restore {reference_id}` takes it back.")


@app.command("restore")
def restore(reference_id: str, config: ConfigOption = None) -> None:
    """Search a reference again that was set aside."""
    from edge.app.people.people import People

    with Store.open(read_config(config).data_dir) as store:
        People(store).set_aside(reference_id, by=LOCAL, is_aside=False)
    out.print(f"{reference_id} is searched again.")


@app.command("reembed")
def reembed(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Embed every kept picture with the model in use, after a model change; may be stopped and run again."""
    from edge.app.build import load_models
    from edge.app.people.people import People

    settings = read_config(config)
    models = load_models(settings)
    with Store.open(settings.data_dir) as store, progress() as bar:
        task = bar.add_task("embedding", total=None)
        people = People(store, lambda: models)
        done = people.reembed(lambda n, total: bar.update(task, completed=n, total=total))
    if as_json:
        print_json(done)
        return
    if not (done["embedded"] or done["swapped"] or done["failed"]):
        out.print("Nothing to do: every kept picture is embedded with the model in use.")
        return
    out.print(f"{counted(done['embedded'], 'reference', 'references')} embedded, {done['swapped']} put in use.")
    for reference_id, why in done["failed"].items():
        out.print(f"{reference_id}: {why}")


@app.command("export")
def export(path: Annotated[Path, typer.Argument(help="archive to write (.zip)")], config: ConfigOption = None) -> None:
    """Write everybody and their kept pictures as one archive, but for pictures that were set aside."""
    from edge.app.people.transfer import export_people

    with Store.open(read_config(config).data_dir) as store, waiting("writing the archive"):
        done = export_people(store, path)
    if done.aside:
        named = ", ".join(one.reference_id for one in done.aside)
        told = f"{counted(len(done.aside), 'picture that was', 'pictures that were')} set aside: left out ({named})."
        out.print(printable(told), markup=False)
    people = counted(done.num_people, "person", "people")
    out.print(
        printable(f"{people} written to {path}. It holds faces and names: keep it as safe as the box."), markup=False
    )
    if done.lost:
        named = ", ".join(f"{one.reference_id} ({one.source})" for one in done.lost)
        raise StoreError(
            f"{path}: lacks {counted(len(done.lost), 'picture', 'pictures')} whose file in the data directory is "
            f"missing or damaged: {named}; enrol them again, then export again"
        )
