"""`edge enrol`, `edge forget`, `edge watchlist ...`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress, read_config, table
from edge.errors import EdgeError, ExitCode, ImageError
from edge.records import Person
from edge.store import Store

watchlist = typer.Typer(help="The people looked for.", no_args_is_help=True)


def enrol(
    paths: Annotated[list[Path], typer.Argument(help="pictures, or videos that give their best frames")],
    person_id: Annotated[str, typer.Option("--id", help="id of the person; pictures are added to an id that exists")],
    name: Annotated[str, typer.Option("--name", help="name as guards will read it")],
    status: Annotated[str, typer.Option("--status", help="why the person is looked for, in a word")],
    reason: Annotated[str | None, typer.Option("--reason", help="why, in a sentence; kept where left out")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="who answers for the entry; kept where left out")] = None,
    expires: Annotated[
        dt.datetime | None,
        typer.Option("--expires", help="day (UTC) from which the entry never matches", formats=["%Y-%m-%d"]),
    ] = None,
    allow_alike: Annotated[
        bool,
        typer.Option("--allow-alike", help="accept pictures that look like somebody else on the list, as of twins"),
    ] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person, or pictures to a person: each picture is accepted, or refused with a reason."""
    from edge.app.build import load_models
    from edge.app.people.enrolment import enrol as add

    settings = read_config(config)
    models = load_models(settings)
    with Store.open(settings.data_dir) as store:
        # More pictures of somebody must not take the end of their entry away.
        former = store.person(person_id) or Person(person_id, name, status)
        until = expires.replace(tzinfo=dt.UTC) if expires else former.expires_at
        person = Person(person_id, name, status, until, reason or former.reason, owner or former.owner)
        done = add(store, models, person, paths, allow_alike=allow_alike)
    if as_json:
        print_json(_enrolment_json(done))
        return
    rows = table(None, "picture", "", "why")
    for outcome in done.outcomes:
        if outcome.reason != "not_among_best":
            numbers = ", ".join(f"{key} {value:g}" for key, value in outcome.numbers.items())
            rows.add_row(
                outcome.source, "kept" if outcome.accepted else outcome.reason, f"{outcome.message} ({numbers})"
            )
    out.print(rows)
    out.print(f"{name} is enrolled with {len(done.references)} new pictures.")


def forget(person_id: str, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Erase a person: entry, references, hits and pictures; prints a receipt."""
    with Store.open(read_config(config).data_dir) as store:
        if store.person(person_id) is None:
            raise ImageError(f"nobody with the id {person_id!r} is enrolled; `edge watchlist list` shows the ids")
        receipt = store.forget_person(person_id).result()
    values = {key: getattr(receipt, key) for key in receipt.__slots__}
    if as_json:
        print_json(values)
    else:
        out.print("Erased: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items()))


@watchlist.command("list")
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


@watchlist.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="our archive (.zip), Dataset/<class>/<images>, or the JSON beside it")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enrol everybody of an archive or of the classic layout."""
    from edge.app.build import load_models
    from edge.app.people.enrolment import import_people

    settings = read_config(config)
    models = load_models(settings)
    with Store.open(settings.data_dir) as store, progress() as bar:
        task = bar.add_task("enrolling", total=None)
        done = import_people(store, models, path, lambda _: bar.advance(task))
    failed = [one for one in done if isinstance(one, EdgeError)]
    enrolled = [one for one in done if not isinstance(one, EdgeError)]
    if as_json:
        print_json({"enrolled": [_enrolment_json(one) for one in enrolled], "refused": [str(one) for one in failed]})
    else:
        for refused in failed:
            out.print(str(refused))
        out.print(f"{len(enrolled)} people enrolled, {len(failed)} refused.")
    if failed:
        raise typer.Exit(int(ExitCode.DATA))


@watchlist.command("calibrate")
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
    """Score strangers who don't exist against this list; print the limits for a wanted rate of false alerts."""
    from edge.app.build import load_models
    from edge.app.people import calibration

    settings = read_config(config)
    with Store.open(settings.data_dir) as store:
        if reset:
            store.calibration.put_thresholds(None).result()
            out.print("The limits of the configuration are in force again.")
            return
        models = load_models(settings)
        done = calibration.calibrate(settings, models, store, one_in=one_in, min_margin=min_margin, write=write)
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
    shared = max(found["list_bias"] for found in done["kinds"].values())
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


@watchlist.command("set-aside")
def set_aside(reference_id: str, config: ConfigOption = None) -> None:
    """Leave one reference out of every search, reversibly."""
    with Store.open(read_config(config).data_dir) as store:
        store.calibration.set_aside(reference_id).result()
    out.print(f"{reference_id} is set aside; `edge watchlist restore {reference_id}` takes it back.")


@watchlist.command("restore")
def restore(reference_id: str, config: ConfigOption = None) -> None:
    """Take back a reference that was set aside."""
    with Store.open(read_config(config).data_dir) as store:
        store.calibration.set_aside(reference_id, is_aside=False).result()
    out.print(f"{reference_id} is searched again.")


@watchlist.command("reembed")
def reembed(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Embed every kept picture with the model in use, after a model change; may be stopped and run again."""
    from edge.app.build import load_models
    from edge.app.people import embeddings

    settings = read_config(config)
    models = load_models(settings)
    with Store.open(settings.data_dir) as store, progress() as bar:
        task = bar.add_task("embedding", total=None)
        done = embeddings.reembed(store, models, lambda n, total: bar.update(task, completed=n, total=total))
    if as_json:
        print_json(done)
        return
    out.print(f"{done['embedded']} references embedded, {done['swapped']} put in use.")
    for reference_id, why in done["failed"].items():
        out.print(f"{reference_id}: {why}")


@watchlist.command("export")
def export(path: Annotated[Path, typer.Argument(help="archive to write (.zip)")], config: ConfigOption = None) -> None:
    """Write everybody and their kept pictures as one archive."""
    from edge.app.people.enrolment import export_people

    with Store.open(read_config(config).data_dir) as store:
        count = export_people(store, path)
        store.audit("local", "watchlist.export", "watchlist", {"people": count}).result()
    out.print(f"{count} people written to {path}. It holds faces and names: keep it as safe as the box.")


def _enrolment_json(done: Any) -> dict[str, Any]:
    return {
        "id": done.person.person_id,
        "name": done.person.name,
        "references": [reference.reference_id for reference in done.references],
        "pictures": [
            {"source": o.source, "accepted": o.accepted, "reason": o.reason, "message": o.message, "numbers": o.numbers}
            for o in done.outcomes
        ],
    }


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (enrol, forget):
        app.command()(command)
