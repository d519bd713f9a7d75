"""`edge enrol`."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, table, waiting
from edge.errors import ImageError
from edge.names import counted
from edge.records import Person
from edge.store import Store
from edge.store.audit.audit import LOCAL
from edge.watchlist.entry import EnrolOutcome, ListEntry, PictureOutcome


def enrol(
    paths: Annotated[list[Path], typer.Argument(help="pictures, or videos that give their best frames")],
    person_id: Annotated[str, typer.Option("--id", help="id of the person; pictures are added to an id that exists")],
    name: Annotated[str, typer.Option("--name", help="name as guards will read it")],
    status: Annotated[str, typer.Option("--status", help="why the person is looked for, in a word")],
    reason: Annotated[str | None, typer.Option("--reason", help="why, in a sentence; kept where left out")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="who answers for the entry; kept where left out")] = None,
    expires: Annotated[
        dt.datetime | None,
        typer.Option("--expires", help="day to come (UTC) from which the entry never matches", formats=["%Y-%m-%d"]),
    ] = None,
    allow_alike: Annotated[
        bool,
        typer.Option("--allow-alike", help="accept pictures that look like somebody else on the list, as of twins"),
    ] = False,
    face: Annotated[
        int | None,
        typer.Option("--face", min=1, help="which face is meant where a picture shows several, counted from the left"),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a person, or pictures to a person: each picture is accepted, or refused with a reason."""
    from edge.app.build import load_models
    from edge.app.people.people import NoPictureError, People, enrol_or_raise

    settings = read_config(config)
    with waiting("looking at the pictures"), Store.open(settings.data_dir) as store:
        models = load_models(settings)
        people = People(store, lambda: models)
        until = expires.replace(tzinfo=dt.UTC) if expires else None
        # Adding pictures must not clear the entry's end, reason or owner.
        person = people.keep_former(Person(person_id, name, status, until, reason, owner))
        try:
            done = enrol_or_raise(people, ListEntry(person, tuple(paths), face), by=LOCAL, allow_alike=allow_alike)
        except NoPictureError as error:
            if all(one.like is None for one in error.outcome.outcomes):
                raise
            raise ImageError(f"{error}. If they are two people who look alike, give --allow-alike") from None
    if as_json:
        print_json(outcome_json(done))
        return
    rows = table(None, "picture", "", "why")
    for row in _rows(done.outcomes):
        rows.add_row(*map(escape, row))
    out.print(rows)
    out.print(f"{name} is enrolled with {counted(done.num_references, 'new picture', 'new pictures')}.")
    if done.person.has_ended(dt.datetime.now(dt.UTC)):
        out.print(f"The entry of {name} has ended and never matches; --expires gives it a new end.", markup=False)


def _rows(outcomes: Sequence[PictureOutcome]) -> Iterator[tuple[str, str, str]]:
    """A row for each picture and each frame that is kept; the other frames of a video are counted, by reason."""
    left_out: Counter[tuple[str, str, str]] = Counter()
    for one in outcomes:
        if one.place is None and not one.accepted:
            left_out[one.source.rpartition("#")[0], one.reason or "", one.message] += 1
            continue
        numbers = ", ".join(f"{key} {value:g}" for key, value in one.numbers.items())
        yield (
            one.source,
            "kept" if one.accepted else one.reason or "",
            "; ".join((one.message + (f" ({numbers})" if numbers else ""), *one.notes)),
        )
    for (video, reason, message), count in left_out.items():
        yield f"{video}: {count} {'frame' if count == 1 else 'frames'}", reason, message


def outcome_json(done: EnrolOutcome) -> dict[str, Any]:
    """One person's result for `--json`."""
    return {
        "id": done.person.person_id,
        "name": done.person.name,
        "references": list(done.references),
        "pictures": [outcome.as_json() for outcome in done.outcomes],
    }
