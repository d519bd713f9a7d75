"""`edge forget`."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, waiting
from edge.errors import ExitCode, ImageError
from edge.store import Store
from edge.store.audit.audit import LOCAL


def forget(
    person_id: str,
    check: Annotated[
        bool, typer.Option("--check", help="erase nothing: search everything kept for the id, and say what is found")
    ] = False,
    name: Annotated[str, typer.Option(help="with --check: also search for this name [default: the entry's]")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a person: entry, references, hits and pictures; prints a receipt.

    The receipt says where id and name were looked for afterwards, and what still holds them. `--check` searches rows,
    database pages, log, copies, pictures, audit, sheets and examinations; it ends with 1 where something names the
    person.
    """
    from edge.app.examine.results import forget_in
    from edge.app.people.people import People

    settings = read_config(config)
    with Store.open(settings.data_dir) as store:
        people = People(store, forget_examinations=forget_in(settings.data_dir))
        if check:
            _check(people, person_id, name, as_json)
            return
        if store.person(person_id) is None:
            raise ImageError(f"nobody with the id {person_id!r} is enrolled; `edge watchlist list` shows the ids")
        with waiting("erasing, and looking everywhere afterwards"):
            erased = people.forget(person_id, by=LOCAL)
    values = {key: getattr(erased.receipt, key) for key in erased.receipt.__slots__}
    values |= {"examinations": erased.examinations, "sheets": erased.sheets}
    if as_json:
        print_json(values | {"looked_through": erased.looked_through, "remains": erased.remains})
        return
    out.print("Erased: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items()))
    out.print(f"Looked through afterwards: {', '.join(erased.looked_through)}; {_found(erased.remains)}.")


def _check(people: object, person_id: str, name: str, as_json: bool) -> None:
    from edge.app.people.people import People
    from edge.store.people.traces import AREAS

    assert isinstance(people, People)
    person = people.store.person(person_id)
    with waiting("looking everywhere"):
        found = people.traces(person_id, name or ("" if person is None else person.name))
    if as_json:
        print_json({"person_id": person_id, "looked_through": AREAS, "found": found, "is_named": bool(found)})
    else:
        out.print(f"Looked through {', '.join(AREAS)}: {_found(found)}.")
    if found:
        raise typer.Exit(int(ExitCode.FAILED))


def _found(found: object) -> str:
    assert isinstance(found, dict)
    return ", ".join(f"{place}: {count}" for place, count in found.items()) or "nothing names the person"
