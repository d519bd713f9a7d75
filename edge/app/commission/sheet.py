"""The sheet: one page of HTML that prints on A4, signed by the appliance in its last line. No face is on it.

The signature covers every byte before it, so any change shows. The key inside proves
nothing by itself: its fingerprint is compared with the one that the device shows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.app.commission.distances import EYE_DISTANCE_M, DistanceSource, Marks, Pinhole, SpokenDistance
from edge.app.commission.findings import DistanceResult, Findings
from edge.app.commission.walk import DAY
from edge.errors import ImageError
from edge.ops.release.signed_page import body_of, sign_page, signer_of
from edge.ops.release.signing import fingerprint, public_hex
from edge.serve.page.wording.environment import make_environment
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.words import Words
from edge.serve.page.wording.zone import SiteZone

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 140, 40, 26


@dataclass(frozen=True, slots=True)
class Facts:
    """What the sheet shows apart from the findings."""

    box_id: str
    version: str
    at: dt.datetime
    is_clock_synced: bool
    camera: str
    size: tuple[int, int]
    person_id: str
    distances: DistanceSource | None
    people: int
    list_digest: str
    models: Mapping[str, str]
    frames: int


@dataclass(frozen=True, slots=True)
class Paper:
    """Language and time zone of a sheet."""

    language: str
    zone: SiteZone


def make_sheet(findings: Findings, facts: Facts, paper: Paper, key: Ed25519PrivateKey) -> bytes:
    """Return the signed page as file bytes."""
    t = Translate(paper.language)
    env = make_environment("edge.app.commission", t, paper.zone)
    html = env.get_template("commission.html").render(
        findings=findings,
        facts=facts,
        zone=paper.zone.shown,
        distances=tell_distances(facts.distances, t, Words(t, paper.zone)),
        chart=_chart(findings),
        fingerprint=fingerprint(public_hex(key)),
    )
    body = html.rstrip().encode("utf-8") + b"\n"
    return sign_page(body, key)


def check_sheet(data: bytes, name: str) -> str:
    """Return the public key (hex) that signed this sheet; ImageError where a byte was changed, or this is no sheet."""
    if body_of(data) is None:
        raise ImageError(f"{name}: carries no signature of a box: not a sheet of `edge commission`, or cut off")
    public = signer_of(data)
    if public is None:
        raise ImageError(f"{name}: was changed after it was signed; ask for the original")
    return public


def tell_distances(source: DistanceSource | None, t: Translate, words: Words) -> str:
    """How distances were worked out."""
    match source:
        case Marks():
            told = [t("sheet.mark", metres=_short(words, metres), at=_short(words, at)) for at, metres in source.marks]
            return t("sheet.marks_standing" if source.steps else "sheet.marks_walking", marks="; ".join(told))
        case Pinhole():
            values = {"focal": f"{source.focal_px:.0f}", "eyes": f"{EYE_DISTANCE_M * 1000:.0f}"}
            if source.hfov_deg is None:
                return t("sheet.pinhole", **values)
            key = "sheet.pinhole_assumed" if source.is_assumed else "sheet.pinhole_given"
            return t(key, angle=_short(words, source.hfov_deg), **values)
        case SpokenDistance():
            return t("sheet.stations")
    return t("sheet.unknown")


def _short(words: Words, value: float) -> str:
    """A number with no more digits than it needs."""
    return words.decimals(value, 0 if value == round(value) else 1)


def _chart(findings: Findings) -> dict[str, Any]:
    """Similarity against distance as SVG numbers: the best shots together, and the limit in force."""
    metres = [row.metres for row in findings.rows if row.metres is not None]
    least, most = (min(metres), max(metres)) if metres else (0, 1)
    span = max(most - least, 1)

    def x(value: float) -> float:
        return round(_LEFT + (value - least) / span * (_WIDTH - _LEFT - 20), 1)

    def y(value: float) -> float:
        return round(8 + (1 - min(max(value, 0.0), 1.0)) * (_HEIGHT - _BOTTOM - 8), 1)

    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "left": _LEFT,
        "lines": [_line(findings.rows, light, x, y) for light in dict.fromkeys(row.light for row in findings.rows)],
        "limit": {"y": y(findings.limits.min_similarity), "value": findings.limits.min_similarity},
        "metres": [{"x": x(value), "value": value} for value in sorted(set(metres))],
        "grid": [{"y": y(value), "value": value} for value in (0.0, 0.25, 0.5, 0.75, 1.0)],
    }


def _line(rows: Sequence[DistanceResult], light: str, x: Any, y: Any) -> dict[str, Any]:
    points = [
        {"x": x(row.metres), "y": y(row.similarity if row.fused is None else row.fused), "ok": row.is_recognised}
        for row in rows
        if row.light == light and row.count
    ]
    return {"light": light, "is_day": light == DAY, "points": points}
