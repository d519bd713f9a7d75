"""What `edge eval groups` prints: false match rates by group, and tables of every two groups."""

from __future__ import annotations

from typing import Any

from edge.cli.common import out, table

KINDS = {"sex": "sex", "skin": "skin", "age": "age", "sex_skin": "sex and skin"}
MAX_COLUMNS = 6
"""Largest number of groups for which a table of every two fits."""


def print_groups(answer: dict[str, Any]) -> None:
    """A table of rates, then one of every two groups per label."""
    limit, num_missed = f"{answer['min_similarity']:g} ({answer['source']})", answer["num_without_face"]
    out.print(
        f"False match rates at similarity {limit}: {answer['num_pictures']:,} pictures, no face found in {num_missed}, "
        f"named otherwise {answer['num_misnamed']}."
    )
    rows = table(
        None, "pairs", "group", "pictures", "without a face", "matches", "of pairs", "FMR", "95 % bounds", "of all"
    )
    rows.add_row("all", "", str(answer["num_pictures"]), str(num_missed), *_cells(answer["all"]), "")
    for kind, found in answer["by"].items():
        rows.add_section()
        for where in ("within", "across"):
            rows.add_row(f"{where} {KINDS[kind]}", "all", "", "", *_cells(found[where]), "")
        for group in found["groups"]:
            times = "" if group["ratio_to_all"] is None else f"{group['ratio_to_all']:.2f} x"
            counts = (str(group["num_pictures"]), str(group["num_without_face"]))
            rows.add_row(f"within {KINDS[kind]}", group["group"], *counts, *_cells(group), times)
    out.print(rows)
    for kind, found in answer["by"].items():
        if len(found["groups"]) <= MAX_COLUMNS:
            _print_cross(KINDS[kind], found)
    if answer["strangers"]:
        rate = answer["strangers"]
        out.print(
            f"The model pack's strangers, with which a box is calibrated: FMR {_rate(rate['fmr'])} at this limit."
        )
    if answer["max_similarity"] is not None:
        limit = f"{answer['max_similarity']:g}"
        out.print(f"{answer['num_left_out']:,} pairs at {limit} or above are taken for one person and left out.")
    out.print(
        f"Bounds: {answer['bounds']}. Every two pictures are taken as two people; some pairs may show one person, and "
        "count as false matches. Faces cut tightly match more often than whole ones: compare groups, not with a camera."
    )


def _print_cross(label: str, found: dict[str, Any]) -> None:
    """FMR of every two groups; the diagonal is within."""
    names = [group["group"] for group in found["groups"]]
    rates = {tuple(two["groups"]): two["fmr"] for two in found["cross"]}
    rows = table(f"FMR by {label} x {label}", "", *names)
    for a in names:
        rows.add_row(a, *(_rate(rates.get((a, b), rates.get((b, a)))) for b in names))
    out.print(rows)


def _cells(rate: dict[str, Any]) -> tuple[str, str, str, str]:
    bounds = "" if rate["fmr"] is None else f"{_rate(rate['low'])} to {_rate(rate['high'])}"
    return f"{rate['matches']:,}", f"{rate['pairs']:,}", _rate(rate["fmr"]), bounds


def _rate(rate: float | None) -> str:
    return "" if rate is None else "0" if rate == 0 else f"{rate:.2e}"
