"""The shapes of all JSON answers: what `openapi.json` is written from and what tests hold real answers against.

Additive changes only within v1: a field may be added, never renamed, removed or given another meaning.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Similarity = Annotated[float, Field(ge=-1, le=1)]
Json = dict[str, Any]


class PersonJson(BaseModel):
    """One watchlist entry, as it was when the hit was made."""

    id: str
    name: str
    status: str
    expires_at: AwareDatetime | None
    reason: str | None = Field(None, description="why this person is looked for")
    owner: str | None = Field(None, description="who answers for the entry")


class VisitJson(BaseModel):
    """One person x one camera x one stay."""

    first: AwareDatetime
    last: AwareDatetime
    best: AwareDatetime
    seen_count: int


class ImagesJson(BaseModel):
    """SHA-256 of each kept picture, to be had at /api/v1/images/{sha256}."""

    frame: Sha256
    crop: Sha256
    enhanced: Sha256 | None
    reference: Sha256


class HitJson(BaseModel):
    """A possible match. It says that a face looks alike, never who somebody is."""

    hit_id: str
    person: PersonJson
    camera: str
    visit: VisitJson
    similarity: Similarity
    margin: float
    runner_up_id: str | None
    similarity_original: Similarity
    similarity_enhanced: Similarity | None
    expected_false_alerts: str
    quality: Json
    recipe: Json
    images: ImagesJson
    box: tuple[float, float, float, float] = Field(description="x1, y1, x2, y2 in px of the frame")
    frame_id: int
    watchlist: Json
    models: dict[str, str]
    box_id: str
    clock: Json
    kind: str
    review: Json
    liveness: str
    decision: Json = Field(default={}, description="every gate's value and limit; how the answer came about")
    enhancement: Json = Field(
        default={},
        description="found_on: original, both or enhanced (alone); disagrees: by more than limit; difference",
    )
    attention: Json = Field(
        default={}, description="what the settings said of the person's status: severity, words, second_person"
    )


class ItemJson(BaseModel):
    """What every feed item has."""

    seq: int
    at: AwareDatetime


class AlertItem(ItemJson, HitJson):
    """A hit, new, updated or reviewed; with `fields`, only those asked for beside seq, at and type."""

    type: Literal["alert.created", "alert.updated", "alert.reviewed"]


class ErasedItem(ItemJson, extra="allow"):
    """A tombstone: the hit and its pictures are gone and must go at the puller, too."""

    type: Literal["alert.erased"]
    hit_id: str
    cause: str


class GapItem(ItemJson, extra="allow"):
    """Something is missing here: why, and over which span where that is known."""

    type: Literal["gap"]
    cause: str


class HealthItem(ItemJson, extra="allow"):
    """A camera or the box changed its state.

    Of a camera that lost its scene, `pictures` has the SHA-256 of the picture `now` and of that `before`.
    """

    type: Literal["health"]
    state: str
    detail: str


class HeartbeatItem(ItemJson, extra="allow"):
    """Nothing happened, and the box was there to see it."""

    type: Literal["heartbeat"]


FeedItemJson = Annotated[AlertItem | ErasedItem | GapItem | HealthItem | HeartbeatItem, Field(discriminator="type")]

ITEM_FIELDS = frozenset(AlertItem.model_fields) | {
    "cause",
    "lost",
    "from",
    "to",
    "last_seq",
    "state",
    "detail",
    "frames",
    "subject",
    "seconds",
    "audit",
    "by",
    "until",
    "reason",
    "what",
    "since",
    "pictures",
}
"""Fields that `fields=` may name."""


class AlertsPage(BaseModel):
    """One answer of the pull feed, oldest first."""

    items: list[FeedItemJson]
    next: str = Field(description="pass as `after` of the next call")
    epoch: str = Field(description="changes when the database is restored, wiped or replaced")
    head: str = Field(description="cursor of the newest item")
    more: bool = Field(description="true: call again at once")
    audit_head: str | None = Field(description="head of the audit chain; null while there is none")


class CameraJson(BaseModel):
    """State of one camera."""

    camera: str
    state: str
    since: AwareDatetime
    detail: str
    frames: int
    restarts: int
    frame_age_ms: float | None = Field(description="age of the newest frame that passed all stages")


class HealthJson(BaseModel):
    """State of the box and its cameras."""

    box_id: str
    version: str
    cameras: list[CameraJson]
    box: Json


class ConsumerJson(BaseModel):
    """How far one token's holder has come in the feed."""

    name: str
    seq: int
    lag: int
    last_pull_at: AwareDatetime | None


class ConsumersJson(BaseModel):
    """All who pull, or have pulled, the feed."""

    consumers: list[ConsumerJson]


class Problem(BaseModel, extra="allow"):
    """An RFC 9457 problem."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class CursorProblem(Problem):
    """410: start again from `oldest`, knowing that `lost` items of that span can't be had any more."""

    oldest: str
    lost: int
    lost_is_least: bool = Field(
        False, description="more may be lost: after a restore, what was told after the restored copy can't be counted"
    )
    span: tuple[AwareDatetime | None, AwareDatetime | None]


class SpanJson(BaseModel):
    """One stretch of time in which a camera's state, as far as coverage goes, was the same."""

    state: Literal["watched", "blind", "paused"]
    reason: str = Field(description="why it was blind; why, and by whom, it was paused; empty while watched")
    by: str | None = Field(description="who paused")
    start: AwareDatetime
    end: AwareDatetime
    seconds: float


class CameraCoverage(BaseModel):
    """One camera's share of the time asked for; the three numbers add up to it."""

    camera: str
    watched_s: float
    blind_s: dict[str, float] = Field(description="seconds by reason")
    paused_s: dict[str, float] = Field(description="seconds by who paused")
    spans: list[SpanJson]


class CoverageJson(BaseModel):
    """What was watched and what was not."""

    start: AwareDatetime
    end: AwareDatetime
    seconds: float
    has_spans: bool
    cameras: list[CameraCoverage]
