"""`edge audit ...`: check the chain of who did what, and write it out."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress_bars, read_config
from edge.errors import ExitCode, ImageError, StoreError
from edge.store import AuditHead, Store, to_line

app = typer.Typer(help="Who did what.", no_args_is_help=True)

HeadOption = Annotated[
    list[str] | None,
    typer.Option("--head", help="NUMBER:SHA256 of an entry noted earlier, such as one from a heartbeat"),
]


@app.command("verify")
def verify(head: HeadOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Check the whole chain for entries that were altered, removed or cut off; exits 1 if there are any."""
    known = tuple(_head(text) for text in head or ())
    with Store.open(read_config(config).data_dir) as store, progress_bars() as tell:
        report = store.audit_log.verify(known, lambda done, total: tell("entries", done, total))
    if as_json:
        told = None if report.head is None else {"seq": report.head.seq, "sha256": report.head.sha256}
        print_json(
            {
                "entries": report.entries,
                "head": told,
                "blanked": report.blanked,
                "trimmed": report.trimmed,
                "problems": list(report.problems),
            }
        )
    else:
        for problem in report.problems:
            out.print(problem)
        verdict = "The chain is broken" if report.problems else "The chain holds"
        end = f"; its head is {report.head.seq}:{report.head.sha256}" if report.head else ""
        trimmed = f", those up to {report.trimmed} trimmed for space" if report.trimmed else ""
        out.print(f"{verdict}: {report.entries} entries, {report.blanked} blanked by erasures{trimmed}{end}")
    if report.problems:
        raise typer.Exit(int(ExitCode.FAILED))


@app.command("export")
def export(
    path: Annotated[Path | None, typer.Argument(help="file to write (.jsonl); left out: standard output")] = None,
    config: ConfigOption = None,
) -> None:
    """Write every entry as a JSON line, with the hashes needed to check the chain elsewhere."""
    with Store.open(read_config(config).data_dir) as store:
        store.audit("local", "audit.export", "audit").result()
        lines = (to_line(line) + "\n" for line in store.audit_log.lines())
        if path is None:
            sys.stdout.writelines(lines)
            return
        try:
            with path.open("w", encoding="utf-8") as file:
                file.writelines(lines)
        except OSError as error:
            raise StoreError(f"{path}: can't be written ({error.strerror}); choose another place") from None
    out.print(f"The audit is written to {path}.")


def _head(text: str) -> AuditHead:
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text)
    if found is None:
        raise ImageError(f"--head {text[:80]!r} is not an entry: give its number, a colon and its 64-digit SHA-256")
    return AuditHead(int(found[1]), found[2])
