"""Template filters: how states, times, numbers and reasons read in one language. Their texts are in the catalogue."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from edge import explanation
from edge.records import CameraHealth, CameraState, Hit
from edge.serve.board import Condition
from edge.serve.page.wording.language import Translate, preparing_words
from edge.serve.page.wording.sayings import GERMAN_NUMBERS, shown
from edge.serve.page.wording.zone import SiteZone
from edge.store import time_from_text, time_to_text
from edge.store.codec import hit_from_json

TONES: Mapping[CameraState, str] = dict.fromkeys(CameraState, "fault") | {
    CameraState.STARTING: "wait",
    CameraState.LIVE: "calm",
    CameraState.DARK: "wait",
    CameraState.ENDED: "wait",
}
DOUBTED_PARTS = ("size", "sharpness", "luma", "bright", "noise", "pose")
LOW_PART, BRIGHT_LUMA = 0.5, 0.5
CLOSE_MARGIN = 0.12
ALIKE_ONE_IN, VERY_ONE_IN = 10_000, 100_000
"""Strangers of whom one is as alike: from here on the page says alike, and very alike."""
ALIKE_SLACK, VERY_SLACK = 0.1, 0.2
"""The same, as similarity over the limit, for hits of boxes that are not calibrated."""
IN_VIEW_S = 10.0
"""A stay told within so many seconds goes on; while it lasts, hits are told every two."""
ALARM_HOURS = 12.0
"""Hits that began before do not sound any more."""
_STRANGERS = re.compile(r"(about|fewer than) 1 in ([\d,]+) faces at this setting, list of (\d+)", re.ASCII)
GENERATIVE = frozenset({"restore", "sr4"})
"""Generative enhancement steps: their detail is drawn by a model and may never have been before the camera."""
_MILD = (
    "disk_low schedule_off drift_changed consumers_silent load_behind clock_unsynchronised clock_stepped heat_hot "
    "heat_throttled lowering_view lowering_idle lowering_rate damage_rebuilt damage_repaired identity_clone "
    "damage_older pictures_missing hits_damaged models_slower"
)
MILD_CONDITIONS = frozenset(f"condition.{name}" for name in _MILD.split())
"""Conditions under which hits still arrive; they are shown as a notice, all others as a fault."""

BLIND_CONDITIONS = frozenset({"condition.watchlist_stale", "condition.models_unusable"})
"""Conditions under which nobody becomes a hit, at no camera."""


def clip_time(seconds: float) -> str:
    """A place in a video, or a length of time: minutes and seconds, as 2:05."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A problem to show: tone (`wait` or `fault`), what is wrong, what to do.

    `blind`: what the live pictures say instead of "no possible match" while nobody can be recognised.
    """

    tone: str
    what: str
    advice: str
    blind: str = ""


class Words:
    """The template filters of one language."""

    def __init__(self, t: Translate, zone: SiteZone | None = None) -> None:
        self._t = t
        self._zone = zone or SiteZone()

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """By the names that the templates use."""
        return {
            "rfc3339": time_to_text,
            "clock": self._zone.full,
            "short_clock": self._zone.short,
            "tone": tone,
            "state": self.state,
            "advice": self.advice,
            "review": self.review,
            "verdict_reason": self.verdict_reason,
            "decimals": self.decimals,
            "clip_time": clip_time,
            "short_hash": short_hash,
            "time_tag": self.time_tag,
            "field_label": self.field_label,
            "with_unit": self.with_unit,
            "doubts": self.doubts,
            "gate_rows": self.gate_rows,
            "generative": generative,
            "likeness": self.likeness,
            "strangers": self.strangers,
            "in_view": self.in_view,
            "is_alarming": is_alarming,
            "yes_or_no": self.yes_or_no,
            "troubles": self.troubles,
            "condition": self.condition,
            "worst_first": worst_first,
            "said": self.said,
        }

    def time_tag(self, time: dt.datetime | str, *, short: bool = False) -> Markup:
        """A `<time>` element; of text, as records kept as JSON have it, too."""
        at = time_from_text(time) if isinstance(time, str) else time
        text = self._zone.short(at) if short else self._zone.full(at)
        return Markup('<time datetime="{}">{}</time>').format(time_to_text(at), text)

    def said(self, text: object) -> Markup:
        """A sentence of a stage, a camera or the store, in this language where it is known."""
        return shown(self._t.language, str(text))

    def state(self, health: CameraHealth) -> str:
        """A camera's state."""
        return self._t(f"state.{health.state.value}.words")

    def advice(self, health: CameraHealth) -> str:
        """What to do about a camera's state; empty when there is nothing to do."""
        return self._t(f"state.{health.state.value}.advice")

    def review(self, state: object) -> str:
        """State of a review in words; a state the catalogue doesn't know is shown as it is."""
        return self._known(f"review.{state}", str(state))

    def verdict_reason(self, verdict: Mapping[str, Any]) -> str:
        """The reason of a verdict, and the note with it."""
        code, note = verdict.get("reason"), verdict.get("note")
        reason = self._known(f"reason.{verdict.get('state')}.{code}", str(code)) if code else ""
        return "; ".join(part for part in (reason, note or "") if part)

    def decimals(self, value: object, places: int = 2) -> str:
        """Format a number for reading; a dash for None."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "–" if value is None else str(value)
        text = f"{value:,}" if isinstance(value, int) else f"{value:z,.{places}f}"
        return text.translate(GERMAN_NUMBERS) if self._t.language == "de" else text

    def field_label(self, name: object) -> str:
        """A record's field name as words."""
        text = self._known(f"field.{name}", str(name).replace("_", " "))
        return text[:1].upper() + text[1:]

    def with_unit(self, value: object, name: str) -> str:
        """A measured value with the unit that its field name tells."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.decimals(value)
        if name.endswith("_bytes"):
            return self._bytes(value)
        for suffix, unit in (("_px", " px"), ("_deg", "°"), ("_ms", " ms"), ("_s", " s"), ("_c", " °C")):
            if name.endswith(suffix):
                return self.decimals(float(value), 0) + unit
        return self._t("unit.of_100", value=f"{value:.0f}") if name == "score" else self.decimals(value)

    def yes_or_no(self, value: object) -> str:
        """A recorded value; yes or no where it is one of the two."""
        return self._t("people.yes" if value else "page.no") if isinstance(value, bool) else str(value)

    def doubts(self, hit: Hit) -> list[str]:
        """Reasons why this possible match may be wrong, from the hit's own measurements."""
        t, parts = self._t, hit.quality.get("parts")
        low = {name for name, value in parts.items() if value < LOW_PART} if isinstance(parts, Mapping) else set()
        if "luma" in low and hit.quality.get("luma", 0.0) >= BRIGHT_LUMA:
            low = low - {"luma"} | {"bright"}
        reasons: list[str] = [t(f"doubt.{name}") for name in DOUBTED_PARTS if name in low]
        if hit.runner_up_id is not None and hit.margin < CLOSE_MARGIN:
            reasons.append(t("doubt.margin", margin=self.decimals(hit.margin)))
        two_faces = hit.enhancement
        if two_faces.get("found_on") == "enhanced" or hit.similarity > hit.similarity_original + 0.1:
            reasons.append(t("doubt.enhanced_only"))
        if two_faces.get("disagrees"):
            by, limit = self.decimals(abs(two_faces["difference"])), self.decimals(two_faces["limit"])
            reasons.append(t("doubt.faces_disagree", by=by, limit=limit))
        elif hit.similarity_enhanced is not None and hit.similarity_enhanced < hit.similarity_original - 0.1:
            reasons.append(t("doubt.enhanced_less"))
        if not hit.clock.get("synced", True):
            reasons.append(t("doubt.clock"))
        return reasons

    def likeness(self, hit: Hit | Mapping[str, Any]) -> str:
        """How alike in words: somewhat, alike or very alike, by how few strangers are as alike; of JSON, too."""
        hit = hit if isinstance(hit, Hit) else hit_from_json(hit)
        one_in = hit.decision.get("one_in")
        if isinstance(one_in, int | float):
            level = "very" if one_in >= VERY_ONE_IN else "alike" if one_in >= ALIKE_ONE_IN else "somewhat"
        else:
            gates = explanation.explain(hit).gates
            slack = next((gate.slack for gate in gates if gate.name == "similarity"), 0.0)
            level = "very" if slack >= VERY_SLACK else "alike" if slack >= ALIKE_SLACK else "somewhat"
        return self._t(f"likeness.{level}")

    def strangers(self, hit: Hit | Mapping[str, Any]) -> str:
        """What the limits mean: how rarely a stranger passes them. It is no chance that this hit is wrong."""
        text = hit.expected_false_alerts if isinstance(hit, Hit) else str(hit["expected_false_alerts"])
        if (found := _STRANGERS.fullmatch(text)) is None:
            return self._t("strangers.unknown") if text == "not calibrated" else self.said(text)
        one_in, people = int(found[2].replace(",", "")), int(found[3])
        key = "about" if found[1] == "about" else "fewer"
        return self._t(f"strangers.{key}", count=self.decimals(one_in), people=self.decimals(people))

    def in_view(self, hit: Hit) -> Markup:
        """From when to when the person was in view, or that they are now."""
        visit, zone = hit.visit, self._zone
        title = f"{zone.full(visit.first_at)} – {zone.full(visit.last_at)}"
        first, last = zone.short(visit.first_at), zone.local(visit.last_at).strftime("%H:%M")
        begin = Markup('<span class="whole">{}</span>').format(first)
        if (dt.datetime.now(dt.UTC) - visit.last_at).total_seconds() <= IN_VIEW_S and hit.kind != "drill":
            text = self._t("hit.in_view_now", first=begin)
        elif first.endswith(last):
            text = self._t("hit.in_view_at", first=begin)
        else:
            text = self._t("hit.in_view", first=begin, last=last)
        return Markup('<span title="{}">{}</span>').format(title, text)

    def gate_rows(self, hit: Hit) -> list[dict[str, str]]:
        """Each gate of the decision: its name, value, limit, and what single change would have flipped the answer."""
        rows = []
        for gate in explanation.explain(hit).gates:
            name, change = self._known(f"gate.{gate.name}", self.field_label(gate.name)), explanation.flip(gate)
            value, limit = self._digits(gate, gate.value), self._digits(gate, gate.limit)
            by = self._digits(gate, explanation.beyond(gate))
            flip = self._t(f"flip.{gate.name}", by=by, value=value) if change else self._t("flip.not_needed")
            rows.append({"gate": name, "value": value, "limit": limit, "flip": flip})
        return rows

    def _digits(self, gate: explanation.Gate, value: float) -> str:
        text = explanation.number(gate, value)
        return text.translate(GERMAN_NUMBERS) if self._t.language == "de" else text

    def troubles(self, box: Mapping[str, Any]) -> list[Trouble]:
        """Problems in the health record of the device; empty when it works."""
        t, problems = self._t, []
        if problem := box.get("database_problem"):
            problems.append(
                Trouble("fault", t("trouble.database.what"), t("trouble.database.advice", problem=self.said(problem)))
            )
        if problem := box.get("store_problem"):
            problems.append(
                Trouble("fault", t("trouble.store.what"), t("trouble.store.advice", problem=self.said(problem)))
            )
        elif waiting := box.get("hits_waiting"):
            what = t("trouble.waiting.what_one" if waiting == 1 else "trouble.waiting.what", count=waiting)
            problems.append(Trouble("wait", what, t("trouble.waiting.advice")))
        if steps := preparing_words(t, box.get("preparing", ())):
            advice = t("trouble.preparing.advice", steps=steps)
            problems.append(Trouble("wait", t("trouble.preparing.what"), advice, blind=advice))
        return problems

    def condition(self, one: Condition) -> Trouble:
        """A condition in words; one that the catalogue doesn't know is shown as it is."""
        key = f"condition.{one.subject}_{one.state}"
        if not self._t.has(f"{key}.what"):
            return Trouble("wait", f"{one.subject}: {one.state}", one.detail)
        advice = self._t(f"{key}.advice", detail=self.said(one.detail), cameras=", ".join(one.cameras))
        what, tone = self._t(f"{key}.what"), "wait" if key in MILD_CONDITIONS else "fault"
        blind = Markup("{} {}.").format(self._t("page.box_word"), what) if key in BLIND_CONDITIONS else ""
        return Trouble(tone, what, advice, blind)

    def _known(self, key: str, otherwise: str) -> str:
        return self._t(key) if self._t.has(key) else otherwise

    def _bytes(self, value: float) -> str:
        units = ["bytes", "kB", "MB", "GB", "TB"]
        while value >= 1000 and len(units) > 1:
            value, units = value / 1000, units[1:]
        places = 0 if units[0] == "bytes" or value >= 100 else 1
        return f"{self.decimals(float(value), places)} {units[0]}"


def worst_first(conditions: Sequence[Condition]) -> list[Condition]:
    """Sort conditions under which no hits arrive first; otherwise keep the order."""
    return sorted(conditions, key=lambda one: f"condition.{one.subject}_{one.state}" in MILD_CONDITIONS)


def tone(health: CameraHealth) -> str:
    """How urgent a camera's state is: calm, wait or fault."""
    return TONES[health.state]


def short_hash(sha256: object) -> str:
    """The first digits of a hash; enough to compare by eye."""
    return str(sha256)[:12] if sha256 else "–"


def generative(hit: Hit) -> list[str]:
    """Names of the generative steps that were done to a hit's picture."""
    steps = hit.recipe.get("steps", [])
    return [step["name"] for step in steps if step.get("generative") or step.get("name") in GENERATIVE]


def is_alarming(hit: Hit) -> bool:
    """Whether a hit sounds until somebody has reviewed it."""
    age = dt.datetime.now(dt.UTC) - hit.visit.first_at
    return hit.review.get("state", "new") == "new" and age < dt.timedelta(hours=ALARM_HOURS)
