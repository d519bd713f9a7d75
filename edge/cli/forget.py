"""`edge forget`."""

from __future__ import annotations

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config
from edge.errors import ImageError
from edge.store import Store
from edge.store.audit.audit import LOCAL


def forget(person_id: str, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Erase a person: entry, references, hits and pictures; prints a receipt."""
    from edge.app.examine.results import forget_in
    from edge.app.people.people import People

    settings = read_config(config)
    with Store.open(settings.data_dir) as store:
        if store.person(person_id) is None:
            raise ImageError(f"nobody with the id {person_id!r} is enrolled; `edge watchlist list` shows the ids")
        people = People(store, forget_examinations=forget_in(settings.data_dir))
        erased = people.forget(person_id, by=LOCAL)
    values = {key: getattr(erased.receipt, key) for key in erased.receipt.__slots__}
    values["examinations"] = erased.examinations
    if as_json:
        print_json(values)
    else:
        out.print("Erased: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in values.items()))
