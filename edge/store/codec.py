"""Records to JSON and back: one spelling of times, keys and their order, for the database, the feed and `hits.jsonl`.

Pure: no clock, no SQL, no files. Fields are docs/contract.md's; others compare their order byte for byte.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from edge.records import FeedItem, Hit, HitImages, Person, Visit


def time_to_text(moment: dt.datetime) -> str:
    """RFC 3339 UTC, milliseconds (truncated), `Z`. Texts sort as the times do."""
    if moment.tzinfo is None:
        raise ValueError(f"time {moment} has no zone: pass an aware datetime")
    return moment.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def time_from_text(text: str) -> dt.datetime:
    """Inverse of `time_to_text`."""
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)


def to_line(value: Mapping[str, Any]) -> str:
    """Compact JSON on one line, key order kept; refuses NaN and infinities."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_line(line: str) -> dict[str, Any]:
    """Inverse of `to_line`."""
    value = json.loads(line)
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {type(value).__name__}")
    return value


def hit_to_json(hit: Hit) -> dict[str, Any]:
    """The hit as the feed delivers it."""
    return {
        "hit_id": hit.hit_id,
        "person": _person_to_json(hit.person),
        "camera": hit.camera,
        "visit": {
            "first": time_to_text(hit.visit.first_at),
            "last": time_to_text(hit.visit.last_at),
            "best": time_to_text(hit.visit.best_at),
            "seen_count": hit.visit.seen_count,
        },
        "similarity": float(hit.similarity),
        "margin": float(hit.margin),
        "runner_up_id": hit.runner_up_id,
        "similarity_original": float(hit.similarity_original),
        "similarity_enhanced": None if hit.similarity_enhanced is None else float(hit.similarity_enhanced),
        "expected_false_alerts": hit.expected_false_alerts,
        "quality": dict(hit.quality),
        "recipe": dict(hit.recipe),
        "images": {
            "frame": hit.images.frame,
            "crop": hit.images.crop,
            "enhanced": hit.images.enhanced,
            "reference": hit.images.reference,
        },
        "box": [float(edge) for edge in hit.box],
        "frame_id": hit.frame_id,
        "watchlist": dict(hit.watchlist),
        "models": dict(hit.models),
        "box_id": hit.box_id,
        "clock": dict(hit.clock),
        "kind": hit.kind,
        "review": dict(hit.review),
        "liveness": hit.liveness,
        "decision": dict(hit.decision),
        "enhancement": dict(hit.enhancement),
        "attention": dict(hit.attention),
    }


def hit_from_json(body: Mapping[str, Any]) -> Hit:
    """Inverse of `hit_to_json`; KeyError or ValueError where `body` is no hit."""
    visit, images, box = body["visit"], body["images"], body["box"]
    return Hit(
        hit_id=body["hit_id"],
        kind=body["kind"],
        person=_person_from_json(body["person"]),
        camera=body["camera"],
        visit=Visit(
            first_at=time_from_text(visit["first"]),
            last_at=time_from_text(visit["last"]),
            best_at=time_from_text(visit["best"]),
            seen_count=visit["seen_count"],
        ),
        similarity=body["similarity"],
        margin=body["margin"],
        runner_up_id=body["runner_up_id"],
        similarity_original=body["similarity_original"],
        similarity_enhanced=body["similarity_enhanced"],
        expected_false_alerts=body["expected_false_alerts"],
        quality=body["quality"],
        recipe=body["recipe"],
        images=HitImages(images["frame"], images["crop"], images["enhanced"], images["reference"]),
        box=(box[0], box[1], box[2], box[3]),
        frame_id=body["frame_id"],
        watchlist=body["watchlist"],
        models=body["models"],
        box_id=body["box_id"],
        clock=body["clock"],
        review=body["review"],
        liveness=body["liveness"],
        decision=body.get("decision", {}),
        enhancement=body.get("enhancement", {}),
        attention=body.get("attention", {}),
    )


def item_to_json(item: FeedItem) -> dict[str, Any]:
    """A feed item as pullers see it: `seq`, `at`, `type`, then the fields of its body."""
    return {"seq": item.seq, "at": time_to_text(item.at), "type": item.type, **item.body}


def _person_to_json(person: Person) -> dict[str, Any]:
    expires = None if person.expires_at is None else time_to_text(person.expires_at)
    return {
        "id": person.person_id,
        "name": person.name,
        "status": person.status,
        "expires_at": expires,
        "reason": person.reason,
        "owner": person.owner,
    }


def _person_from_json(body: Mapping[str, Any]) -> Person:
    expires = body.get("expires_at")
    until = None if expires is None else time_from_text(expires)
    return Person(body["id"], body["name"], body["status"], until, body.get("reason"), body.get("owner"))
