"""`edge doctor`."""

from __future__ import annotations

import os
import sys
from collections import Counter

import typer
from rich.markup import escape

from edge.cli.common import ConfigOption, JsonOption, out, print_json, table
from edge.errors import ExitCode


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check this box in under 30 seconds: each check passes, warns or fails, with a line that says how to fix it."""
    from edge.ops import doctor as checks
    from edge.ops.doctor.time_limit import WHOLE_S, process_age_s

    report = checks.examine(config, within_s=WHOLE_S - process_age_s())
    if as_json:
        told = {"ok": report.ok, "checks": [r.as_json() for r in report.checks], "settings": report.settings}
        print_json(told)
    else:
        rows = table(None, "check", "", "found", "what to do")
        colors = {"pass": "green", "warn": "yellow", "fail": "red"}
        for r in report.checks:
            rows.add_row(escape(r.name), f"[{colors[r.status]}]{r.status}[/]", escape(r.found), escape(r.fix or ""))
        out.print(rows)
        counts = Counter(r.status for r in report.checks)
        out.print(f"{counts['pass']} pass, {counts['warn']} warn, {counts['fail']} fail.")
    if report.is_cut:  # what hangs would hold up an orderly end, too
        sys.stdout.flush()
        os._exit(0 if report.ok else int(ExitCode.FAILED))
    if not report.ok:
        raise typer.Exit(int(ExitCode.FAILED))
