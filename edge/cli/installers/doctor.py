"""`edge doctor`."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.padding import Padding

from edge.cli.common import ConfigOption, JsonOption, out, print_json, table, tell_config, waiting
from edge.errors import ExitCode

if TYPE_CHECKING:
    from edge.ops.doctor import Check


TABLE_FROM = 140
"""Columns of a terminal from which the answers are a table; a narrower one gets a block for each."""
_COLORS = {"pass": "green", "warn": "yellow", "fail": "red"}


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check this box in under 30 seconds: each check passes, warns or fails, with a line that says how to fix it."""
    from edge.ops import doctor as checks
    from edge.ops.doctor.time_limit import WHOLE_S, process_age_s

    tell_config(config)
    with waiting("looking at this box"):
        report = checks.examine(config, within_s=WHOLE_S - process_age_s())
    if as_json:
        told = {"ok": report.ok, "checks": [r.as_json() for r in report.checks], "settings": report.settings}
        print_json(told)
    else:
        _print_blocks(report.checks) if out.width < TABLE_FROM else _print_table(report.checks)
        counts = Counter(r.status for r in report.checks)
        out.print(f"{counts['pass']} pass, {counts['warn']} warn, {counts['fail']} fail.")
    if report.is_cut:  # what hangs would hold up an orderly end, too
        sys.stdout.flush()
        os._exit(0 if report.ok else int(ExitCode.FAILED))
    if not report.ok:
        raise typer.Exit(int(ExitCode.FAILED))


def _print_table(checks: Sequence[Check]) -> None:
    rows = table(None, "check", "", "found", "what to do")
    for r in checks:
        rows.add_row(escape(r.name), f"[{_COLORS[r.status]}]{r.status}[/]", escape(r.found), escape(r.fix or ""))
    out.print(rows)


def _print_blocks(checks: Sequence[Check]) -> None:
    """Name and verdict in one line, what was found and what to do indented below, wrapped at the terminal's width."""
    for r in checks:
        out.print(f"[{_COLORS[r.status]}]{r.status}[/] [bold]{escape(r.name)}[/]", soft_wrap=False)
        for text in (r.found, r.fix and f"-> {r.fix}"):
            if text:
                out.print(Padding(escape(text), (0, 0, 0, 5)), soft_wrap=False)
