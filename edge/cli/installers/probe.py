"""`edge probe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress_bars, read_config, table
from edge.config import Config

if TYPE_CHECKING:
    from edge.ops.packs.soak import Soak


def probe(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="measure and print; leave the choice as it is")] = False,
    soak_minutes: Annotated[
        float, typer.Option("--soak", min=0, help="afterwards work hard for so many minutes, and keep rate and heat")
    ] = 0,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure each model on every provider and precision there is, and keep the fastest that lost no accuracy.

    With `--soak MINUTES` the machine then works as hard as it can, and the rate of each minute is kept with the
    temperature: 20 minutes show what is left of a cold board's rate. `edge doctor` tells it. Stop the service for that.
    """
    from edge.app.packs.probe import Probe, short
    from edge.ops.packs.choice import write_choice

    settings = read_config(config)
    with progress_bars() as tell:
        choice = Probe(settings).run(tell)
    path = None if dry_run else write_choice(settings.data_dir, choice)
    found = _soak(settings, soak_minutes, keep=not dry_run) if soak_minutes else None
    if as_json:
        told = choice.model_dump(mode="json") | {"written": None if path is None else str(path)}
        print_json(told | ({} if found is None else {"soak": found.model_dump(mode="json")}))
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
    if found is not None:
        heat = table(None, "minute", "frames/s", "degrees Celsius", "")
        for one in found.minutes:
            warm = "unknown" if one.temperature_c is None else f"{one.temperature_c:.0f}"
            heat.add_row(f"{one.at_s / 60:.1f}", f"{one.rate:.1f}", warm, one.throttled or "")
        out.print(heat)
        out.print(f"{found.told()}.")


def _soak(settings: Config, minutes: float, *, keep: bool) -> Soak:
    """Measure with the choice in force, and keep it."""
    from edge.app.build import load_models
    from edge.app.packs.soak import soak
    from edge.ops.packs.soak import write_soak

    with progress_bars() as tell:
        found = soak(load_models(settings), minutes, tell)
    if keep:
        write_soak(settings.data_dir, found)
    return found
