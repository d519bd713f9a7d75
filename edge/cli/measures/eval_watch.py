"""What `edge eval watch` prints: found faults by kind, and false states of quiet footage."""

from __future__ import annotations

from typing import Any

from edge.cli.common import out, table


def print_watch(answer: dict[str, Any]) -> None:
    """A table of faults, then what was wrong, then the quiet hours."""
    rows = table(None, "fault", "cases", "found and ended in time", "longest until said", "longest until live again")
    for fault, found in answer["faults"].items():
        rows.add_row(
            fault, str(found["cases"]), str(found["right"]), _seconds(found["longest_s"]),
            _seconds(found["longest_over_s"]),
        )  # fmt: skip
    out.print(rows)
    for one in answer["wrong"]:
        out.print(f"Wrong: {one['footage']}, {one['fault']}, variant {one['variant']}: said {', '.join(one['said'])}")
    for one in answer["false"]:
        said = ", ".join(f"{state} at {at_s:.0f} s" for at_s, state in one["false_states"])
        out.print(f"False: {one['footage']}: {said}")
    out.print(
        f"Recall {answer['recall']:.3f}; {answer['false_states']} false states in {answer['quiet_hours']:.1f} quiet "
        f"hours, {answer['false_states_per_day']:.2f} a day."
    )


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"
