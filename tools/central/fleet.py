"""Loads the feeds of a fleet into one database, incrementally, with dlt: into DuckDB or PostgreSQL.

    python -m tools.central.fleet boxes.json --to duckdb --name fleet

`boxes.json` is a list of `{"name", "url", "token", "cafile"}`. Items go into the table `items`, one row for each
(box_id, epoch, seq), so pulling something twice changes nothing; losses told by a box (410) go into `losses`. dlt keeps
each box's cursor together with the rows it brought, in one load: either both are there, or neither. Needs the extra
`central`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dlt

from tools.central.puller import seconds_of

dlt.config["runtime.dlthub_telemetry"] = False  # a fleet of cameras sends no usage reports

KEY = ["box_id", "epoch", "seq"]
COLUMNS: dict[str, Any] = {
    name: {"data_type": "text"} for name in ("hit_id", "camera", "cause", "state", "person_id", "from_at", "to_at")
}
COLUMNS["similarity"] = {"data_type": "double"}
MAX_PAGES = 200
"""Pages of one box in one run: a box that is far behind doesn't keep the others waiting."""


MAX_WAITS, MAX_WAIT_S = 3, 60.0
"""How often, and how long at a time, a box that says `Retry-After` is waited for before the next run takes it up."""


@dataclass(frozen=True)
class BoxAddress:
    """Where a box is and what opens it."""

    name: str
    url: str
    token: str
    cafile: str | None = None


def ask(box: BoxAddress, path: str, query: dict[str, str]) -> dict[str, Any]:
    """JSON of one answer, asked for again after `Retry-After` a few times; raises HTTPError."""
    address = f"{box.url.rstrip('/')}{path}?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {box.token}"})
    context = ssl.create_default_context(cafile=box.cafile) if box.url.startswith("https") else None
    for left in range(MAX_WAITS, -1, -1):
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            wait_s = seconds_of(error.headers.get("Retry-After"))
            if error.code not in (429, 503) or wait_s is None or wait_s > MAX_WAIT_S or not left:
                raise
            time.sleep(wait_s)
    raise AssertionError("not reached")


def pages(box: BoxAddress, state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Pages after the cursor in `state`, which moves along; a 410 is handed on and followed from `oldest`."""
    for _ in range(MAX_PAGES):
        after = {"after": state["cursor"]} if state.get("cursor") else {}
        try:
            page = ask(box, "/api/v1/alerts", {"limit": "500", **after})
        except urllib.error.HTTPError as error:
            if error.code != 410:
                raise
            problem = json.load(error)
            state["cursor"] = problem["oldest"]
            yield {"loss": problem}
            continue
        state["cursor"] = page["next"]
        yield page
        if not page["more"]:
            return


def rows(box: BoxAddress, state: dict[str, Any]) -> Iterator[Any]:
    """Rows of one box: the columns servers filter by, and the whole item as JSON."""
    if "box_id" not in state:
        state["box_id"] = ask(box, "/api/v1/health", {})["box_id"]
    own = {"box_id": state["box_id"], "box": box.name}
    for page in pages(box, state):
        if loss := page.get("loss"):
            told = {"lost": loss["lost"], "from_at": loss["span"][0], "to_at": loss["span"][1]}
            told["is_least"] = loss.get("lost_is_least", False)
            last = {"epoch": state.get("epoch", ""), "seq": state.get("seq", 0)}  # what was lost came after this
            noted = {**own, **last, "noted_at": dt.datetime.now(dt.UTC), **told}
            yield dlt.mark.with_table_name(noted, "losses")
            continue
        if page["items"]:
            state |= {"epoch": page["epoch"], "seq": page["items"][-1]["seq"]}
        for item in page["items"]:
            kept = {key: item.get(key) for key in ("seq", "at", "type", "hit_id", "camera", "cause", "state")}
            person = item.get("person") or {}
            kept |= {"person_id": person.get("id"), "similarity": item.get("similarity")}
            whole = json.dumps(item, ensure_ascii=False)
            yield dlt.mark.with_table_name({**own, "epoch": page["epoch"], **kept, "item": whole}, "items")


def source(boxes: list[BoxAddress], failed: dict[str, str]) -> Any:
    """One resource per box; a box that is away is noted in `failed` and doesn't keep the others from loading."""

    def resource(box: BoxAddress) -> Any:
        @dlt.resource(name=f"box_{box.name}", write_disposition="merge", primary_key=KEY, columns=COLUMNS)
        def pull() -> Iterator[Any]:
            state = dlt.current.resource_state()
            try:
                yield from rows(box, state)
            except (OSError, ValueError, KeyError) as error:
                failed[box.name] = str(error)

        return pull

    return [resource(box) for box in boxes]


def load(boxes: list[BoxAddress], pipeline: Any) -> dict[str, str]:
    """Pull everything new from every box; returns the boxes that were away, and why."""
    failed: dict[str, str] = {}
    pipeline.run(source(boxes, failed))
    _forget_erased(pipeline)
    return failed


def _forget_erased(pipeline: Any) -> None:
    """A tombstone is not enough: what was loaded of that hit before has to go, too."""
    with pipeline.sql_client() as client:
        client.execute_sql(
            """DELETE FROM items WHERE type <> 'alert.erased' AND EXISTS (
                   SELECT 1 FROM items AS tombs WHERE tombs.type = 'alert.erased'
                   AND tombs.box_id = items.box_id AND tombs.hit_id = items.hit_id)"""
        )


def main() -> int:
    """Load once; a timer of yours runs it again."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("boxes", type=Path)
    parser.add_argument("--to", default="duckdb", help="a destination of dlt: duckdb, postgres, ...")
    parser.add_argument("--name", default="fleet", help="name of the pipeline, and of DuckDB's file")
    given = parser.parse_args()
    boxes = [BoxAddress(**entry) for entry in json.loads(given.boxes.read_text("utf-8"))]
    pipeline = dlt.pipeline(given.name, destination=given.to, dataset_name="boxes")
    failed = load(boxes, pipeline)
    for name, why in failed.items():
        print(f"{name}: {why}", file=sys.stderr)
    print(f"{len(boxes) - len(failed)} of {len(boxes)} boxes loaded")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
