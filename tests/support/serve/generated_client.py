"""Uses a client that openapi-python-client made of openapi.json, in that generator's own environment.

Run as `python generated_client.py URL TOKEN PICTURE` where the package `edge_client` can be imported. It needs nothing
of this repository; each step that does not answer as its type says ends it.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from pathlib import Path
from typing import Any


def call(name: str, **given: Any) -> Any:
    """What an operation answers: an object of the type that openapi.json names for it."""
    return importlib.import_module(f"edge_client.api.edge.{name}").sync(**given)


def main(url: str, token: str, picture: Path) -> dict[str, Any]:
    """Follow the feed, look at a hit and its picture, then put somebody on the list and erase them."""
    client = importlib.import_module("edge_client").AuthenticatedClient(base_url=url, token=token)
    models = importlib.import_module("edge_client.models")
    items: list[Any] = []
    page = call("alerts", client=client, limit=2)
    while isinstance(page, models.AlertsPage):
        items += page.items
        if not page.more:
            break
        page = call("alerts", client=client, limit=2, after=page.next_)
    hit = next(item for item in items if isinstance(item, models.AlertItem))
    one = call("alert", client=client, hit_id=hit.hit_id)
    crop = call("image", client=client, sha256=one.images.crop)
    data = base64.b64encode(picture.read_bytes()).decode()
    body = models.PersonPut(name="Rosa", status="missing", pictures=[models.PictureIn(name="a.png", data=data)])
    changed = call("person_put", client=client, person_id="rosa", body=body, if_match="*")
    listed = call("watchlist", client=client)
    erased = call("person_erase", client=client, person_id="rosa", if_match="*")
    refused = call("alerts", client=client, after="nonsense")
    return {
        "items": [item.seq for item in items],
        "hit": [one.hit_id, one.person.name],
        "crop_bytes": len(crop.payload.read()),
        "changed": type(changed).__name__,
        "listed": sorted(person.id for person in listed.people),
        "erased": type(erased).__name__,
        "refused": [type(refused).__name__, refused.status],
        "health": call("health", client=client).box_id,
        "coverage": type(call("coverage", client=client)).__name__,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))))
