"""Writes the report of `edge eval restore` as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.app.offline.report import data_url
from edge.enhance import GENERATIVE
from edge.errors import StoreError
from edge.evaluate.restore import OFF, Condition
from edge.pixels.encode import to_jpeg
from edge.serve.page.wording.environment import make_environment
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.words import Words
from edge.serve.page.wording.zone import SiteZone

MEASURES = ("psnr_db", "ssim", "cosine", "cosine_worst", "tar")
CLEAN = "clean"
"""The samples' last column: the picture before it was degraded."""
_BAR_PX, _GAP_PX, _HEIGHT_PX = 14, 10, 120


def write_report(path: Path, answer: Mapping[str, Any], conditions: Sequence[Condition], language: str) -> None:
    """Write the page in a language; raises StoreError where that can't be done."""
    t = Translate(language)
    environment = make_environment("edge.app.evaluation", t, SiteZone())
    by_condition = []
    for condition in conditions:
        rows = [row for row in answer["rows"] if row["degrade"] == condition.name]
        plots = [{"key": key, **_plot(rows, key, Words(t))} for key in MEASURES]
        by_condition.append({"name": condition.name, "rows": rows, "samples": _samples(condition), "plots": plots})
    html = environment.get_template("restore.html").render(
        answer=answer, conditions=by_condition, generative=GENERATIVE, measures=MEASURES
    )
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path}: can't be written ({error.strerror}); give another --html") from None


def _samples(condition: Condition) -> list[dict[str, Any]]:
    """Return the variants of each sample face, the clean picture last."""
    columns = [*((name, variant.crops) for name, variant in condition.variants.items()), (CLEAN, condition.clean)]
    return [
        {"cells": [{"name": name, "url": data_url(to_jpeg(crops[number], 88))} for name, crops in columns]}
        for number in range(len(condition.clean))
    ]


def _plot(rows: Sequence[Mapping[str, Any]], key: str, words: Words) -> dict[str, Any]:
    """Plot one measure as bars: without any step, and with each step."""
    off = rows[0]["off"][key] if rows else None
    values = [(OFF, off), *((row["step"], row["on"][key]) for row in rows)]
    known = [value for _, value in values if value is not None]
    if not known:
        return {"bars": [], "width": 0, "height": _HEIGHT_PX}
    low, high = min(0.0, *known) if min(known) < 0 else min(known) * 0.8, max(known)
    span = max(high - low, 1e-9)
    bars = []
    for number, (name, value) in enumerate(values):
        share = 0.0 if value is None else (value - low) / span
        tall = max(share * (_HEIGHT_PX - 40), 1.0)
        x = _GAP_PX + number * (_BAR_PX + 44)
        told = words.decimals(value, 3 if abs(value or 0.0) < 10 else 1)
        bars.append({"x": x, "y": _HEIGHT_PX - 18 - tall, "height": tall, "name": name, "value": told})
    return {"bars": bars, "width": _GAP_PX + len(values) * (_BAR_PX + 44), "height": _HEIGHT_PX}
