"""`edge explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config
from edge.errors import StoreError
from edge.store import Store

HitId = Annotated[str, typer.Argument(help="id of a hit, as the page and the feed show it")]


def explain(
    hit_id: HitId,
    picture: Annotated[
        Path | None, typer.Option("--out", help="write a map (PNG): what makes the two faces alike, and what doesn't")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain a hit: each gate's value and limit, and the single change that would flip the answer."""
    from edge.app.build import load_models
    from edge.app.offline import explain as explanation

    settings = read_config(config)
    with Store.open(settings.data_dir) as store:
        told = explanation.explain(store, load_models(settings) if picture else None, hit_id)
    if picture is not None and told.picture is not None:
        try:
            picture.write_bytes(told.picture)
        except OSError as error:
            raise StoreError(f"{picture}: can't be written ({error.strerror}); give another --out") from None
    if as_json:
        print_json({"hit_id": hit_id, "lines": told.lines, "out": str(picture) if picture else None})
        return
    for line in told.lines:
        out.print(line)
    if picture is not None:
        out.print(f"{picture}: found face left, enrolled face right; red marks likeness, blue marks difference.")
