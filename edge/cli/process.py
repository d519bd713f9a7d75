"""`edge process`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import TaskID

from edge.cli.common import (
    ConfigOption,
    JsonOption,
    LanguageOption,
    out,
    print_json,
    progress,
    read_config,
    require_language,
    require_mode,
    table,
)


def process(
    source: Annotated[Path, typer.Argument(help="a video, a GIF, an image, or a folder of them")],
    out_dir: Annotated[Path, typer.Option("--out", help="folder for hits.jsonl, tracks.jsonl, crops/ and report.html")],
    watchlist: Annotated[
        Path | None,
        typer.Option(
            help="people to look for: a folder of people, its JSON, an archive [default: those enrolled on this box]"
        ),
    ] = None,
    enhance: Annotated[str | None, typer.Option(help="auto or off")] = None,
    degrade: Annotated[str | None, typer.Option(help="make the frames worse first, such as cctv:3")] = None,
    language: LanguageOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the live pipeline over files. Two runs give the same output.

    Frames are searched whole. For far faces in large frames set tiles = 2 (up to 4) under [detect]: a live camera finds
    more without, since it also searches where something moves.
    """
    from edge.app.offline import process as offline_command

    settings = read_config(config)
    language = require_language(settings, language)
    if enhance is not None:
        require_mode(enhance)
        settings = settings.model_copy(update={"enhance": settings.enhance.model_copy(update={"mode": enhance})})
    with progress() as bar:
        whole = offline_command.expected_frames_of(source)
        tasks: dict[str, TaskID] = {}  # each made when its work begins, so that the time left is that of this work

        def tell(clip: str, _: int) -> None:
            if "frames" not in tasks:
                tasks["frames"] = bar.add_task(clip, total=whole)
            bar.update(tasks["frames"], description=clip, advance=1)

        def enrolling(done: int, total: int) -> None:
            if "enrolling" not in tasks:
                tasks["enrolling"] = bar.add_task("enrolling", total=total)
            bar.update(tasks["enrolling"], completed=done)

        summary = offline_command.process_files(
            settings,
            source,
            out_dir,
            watchlist=watchlist,
            degradation=degrade,
            progress=tell,
            enrolling=enrolling,
            reports={offline_command.REPORT: language},
        )
    if as_json:
        print_json(summary)
        return
    _print(summary)


def _print(summary: dict[str, Any]) -> None:
    rows = table(None, "clip", "frames", "tracks", "hits")
    for clip in summary["clips"]:
        more = ", one picture" if clip["one_picture"] else ""
        hits = ", ".join(f"{hit['name']} ({hit['similarity']:.2f}{more})" for hit in clip["hits"]) or "none"
        rows.add_row(clip["clip"], str(clip["frames"]), str(clip["tracks"]), hits)
    out.print(rows)
    for clip in summary["clips"]:
        if clip["problem"]:
            out.print(clip["problem"], markup=False)
    for note in summary["notes"]:
        out.print(note, markup=False)
    out.print(f"Report: {summary['report']}")
