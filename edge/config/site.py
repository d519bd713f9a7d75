"""Settings of the place and its people: time zone, verdicts, and what each person status means to a guard."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from edge.config.section import Section
from edge.names import same_spelling

Language = Literal["en", "de"]
Severity = Literal["notice", "normal", "urgent"]
REPEAT_S: Mapping[Severity, float] = {"notice": 0.0, "normal": 60.0, "urgent": 10.0}
"""Seconds between two soundings of an unreviewed hit, by severity; 0: it sounds once."""


class SiteConfig(Section):
    """Where the box stands."""

    time_zone: str = Field(
        "", max_length=64, description="zone of all times on the page, such as Europe/Berlin; empty: the system's"
    )

    language: Language = Field(
        "en",
        description="language of reports and sheets made on the command line, "
        "and of pages where the browser asks for none of these",
    )

    shift_hours: float = Field(8.0, gt=0, le=24, description="hours of a shift, which the list of hits can show")

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        if name:
            try:
                zoneinfo.ZoneInfo(name)
            except (KeyError, ValueError, OSError):
                raise ValueError("no such time zone; `timedatectl list-timezones` shows them") from None
        return name


class ReviewConfig(Section):
    """Verdicts on hits. Statuses are those of the people on the list."""

    second_person_for: tuple[str, ...] = Field((), description="statuses whose hits a second person has to confirm")
    urgent_for: tuple[str, ...] = Field((), description="statuses whose new hits sound urgent")
    undo_s: float = Field(10.0, ge=0, le=600, description="seconds in which a verdict can be taken back")


class StatusConfig(Section):
    """One status of people on the list: `[status.banned]` or `[status."shop ban"]`, with what it means to a guard.

    Case does not count, nor what parts the words: `Shop-Ban` is `shop ban`.
    """

    words: str = Field("", max_length=200, description="what the page says beside the status, such as what to do")
    severity: Severity = Field("normal", description="notice, normal or urgent: order of attention and of sounds")
    sound: Literal["", "none", "calm", "rising"] = Field(
        "", description="sound of a new hit; empty: rising where urgent, else calm"
    )
    repeat_s: float | None = Field(
        None,
        ge=0,
        le=3600,
        description="seconds until an unreviewed hit sounds again, 0: once; left out: 10 if urgent, 60 if normal",
    )
    cooldown_s: float = Field(
        0.0,
        ge=0,
        le=86_400,
        description="seconds unseen after which a stay is over, where that is more than visit.gap_s",
    )
    second_person: bool = Field(False, description="true: a second person has to confirm")

    @property
    def sounds(self) -> str:
        """The sound of a new hit: none, calm or rising."""
        return self.sound or ("rising" if self.severity == "urgent" else "calm")

    @property
    def repeats_s(self) -> float:
        """Seconds until an unreviewed hit sounds again; 0: once."""
        return REPEAT_S[self.severity] if self.repeat_s is None else self.repeat_s


def status_of(status: str, statuses: Mapping[str, StatusConfig], review: ReviewConfig) -> StatusConfig:
    """What a status means: its own table, and what the lists of `[review]` add. Spelling counts as in `same_spelling`:
    lists come from other programs, and an environment variable can't tell `Banned` from `banned`.
    """
    wanted = same_spelling(status)
    known = next((table for name, table in statuses.items() if same_spelling(name) == wanted), StatusConfig())
    more: dict[str, object] = {}
    if wanted in map(same_spelling, review.second_person_for):
        more["second_person"] = True
    if wanted in map(same_spelling, review.urgent_for):
        more["severity"] = "urgent"
    return known.model_copy(update=more)
