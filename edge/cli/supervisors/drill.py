"""`edge drill`: a hit of kind `drill`, to practise with."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config
from edge.store import Store


def drill(
    person: Annotated[str | None, typer.Option(help="id of the person; the first on the list where left out")] = None,
    camera: Annotated[str | None, typer.Option(help="name of the camera; the first where left out")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a hit that nobody caused, marked as a drill wherever it is shown or sent, to practise what follows."""
    settings = read_config(config)
    names = [one.name for one in settings.camera]
    if camera is not None and camera not in names:
        raise typer.BadParameter(f"{camera!r} is no camera: choose one of {', '.join(names)}")
    with Store.open(settings.data_dir) as store:
        made = store.drills.make(camera or (names or ["none"])[0], settings.box_id or store.box_id, person).result()
    if as_json:
        print_json({"hit_id": made, "kind": "drill"})
    else:
        out.print(f"The drill is stored as hit {made}.")
