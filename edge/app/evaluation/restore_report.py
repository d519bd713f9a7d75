"""Writes the report of `edge eval restore` as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge.app.offline.report import data_url
from edge.enhance import GENERATIVE
from edge.errors import StoreError
from edge.evaluate.restore import Condition
from edge.pixels.encode import to_jpeg

MEASURES = (
    ("psnr_db", "PSNR to the clean face, dB"),
    ("ssim", "SSIM to the clean face"),
    ("cosine", "Likeness to the clean face, mean"),
    ("cosine_worst", "Likeness to the clean face, worst 5 %"),
    ("tar", "True accept rate at FMR 1e-2"),
)
_BAR_PX, _GAP_PX, _HEIGHT_PX = 14, 10, 120


def write_report(path: Path, answer: Mapping[str, Any], conditions: Sequence[Condition]) -> None:
    """Write the page; raises StoreError where that can't be done."""
    env = Environment(loader=PackageLoader("edge.app.evaluation"), autoescape=True, undefined=StrictUndefined)
    by_condition = [
        {
            "name": condition.name,
            "rows": [row for row in answer["rows"] if row["degrade"] == condition.name],
            "samples": _samples(condition),
            "plots": [
                {"title": title, **_plot([row for row in answer["rows"] if row["degrade"] == condition.name], key)}
                for key, title in MEASURES
            ],
        }
        for condition in conditions
    ]
    html = env.get_template("restore.html").render(answer=answer, conditions=by_condition, generative=GENERATIVE)
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path}: can't be written ({error.strerror}); give another --html") from None


def _samples(condition: Condition) -> list[dict[str, Any]]:
    """Per sample face: every variant, the clean picture last."""
    columns = [*((name, variant.crops) for name, variant in condition.variants.items()), ("clean", condition.clean)]
    return [
        {"cells": [{"name": name, "url": data_url(to_jpeg(crops[number], 88))} for name, crops in columns]}
        for number in range(len(condition.clean))
    ]


def _plot(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    """Bars of one measure: what it is without a step, and with each."""
    off = rows[0]["off"][key] if rows else None
    values = [("off", off), *((row["step"], row["on"][key]) for row in rows)]
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
        told = "none" if value is None else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
        bars.append({"x": x, "y": _HEIGHT_PX - 18 - tall, "height": tall, "name": name, "value": told})
    return {"bars": bars, "width": _GAP_PX + len(values) * (_BAR_PX + 44), "height": _HEIGHT_PX}
