"""`edge probe`."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress_bars, read_config, table


def probe(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="measure and print; leave the choice as it is")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure each model on every provider and precision there is, and keep the fastest that lost no accuracy."""
    from edge.app.packs.probe import Probe, short
    from edge.ops.packs.choice import write_choice

    settings = read_config(config)
    with progress_bars() as tell:
        choice = Probe(settings).run(tell)
    path = None if dry_run else write_choice(settings.data_dir, choice)
    if as_json:
        print_json(choice.model_dump(mode="json") | {"written": None if path is None else str(path)})
        return
    rows = table(None, "task", "file", "precision", "provider", "ms", "accuracy", "")
    for m in choice.measured:
        ms, accuracy = "" if m.ms is None else f"{m.ms:.2f}", "" if m.accuracy is None else f"{m.accuracy:.3f}"
        kept = choice.of(m.task)
        is_kept = kept is not None and (kept.sha256, kept.provider) == (m.sha256, m.provider)
        rows.add_row(
            m.task, m.model, m.precision, short(m.provider), ms, accuracy, "chosen" if is_kept else m.refused or ""
        )
    out.print(rows)
    out.print(f"Accuracy is judged by {choice.judged_by}: share of faces found again, lowest cosine of embeddings.")
    for note in choice.notes:
        out.print(f"Note: {note}.")
    if path is not None:
        out.print(f"Written to {path}; the service takes it over at its next start.")
