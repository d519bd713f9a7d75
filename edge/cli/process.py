"""`edge process`, `edge detect`, `edge embed`: files in, lines and reports out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress, read_config, table
from edge.errors import ConfigError

Paths = Annotated[list[Path], typer.Argument(help="images, videos, GIFs, or folders of images")]


def process(
    source: Annotated[Path, typer.Argument(help="a video, a GIF, an image, a folder of images, or a folder of videos")],
    out_dir: Annotated[Path, typer.Option("--out", help="folder for hits.jsonl, tracks.jsonl, crops/ and report.html")],
    watchlist: Annotated[
        Path | None,
        typer.Option(help="people to look for: a folder of people, or its JSON [default: those enrolled on this box]"),
    ] = None,
    enhance: Annotated[str | None, typer.Option(help="auto or off")] = None,
    degrade: Annotated[str | None, typer.Option(help="make the frames worse first, such as cctv:3")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the same pipeline over files, to the end; equal output when run twice."""
    from edge.app.offline import process as offline_command

    settings = read_config(config)
    if enhance is not None:
        if enhance not in {"auto", "off"}:
            raise typer.BadParameter(f"--enhance is auto or off, not {enhance!r}")
        settings = settings.model_copy(update={"enhance": settings.enhance.model_copy(update={"mode": enhance})})
    with progress() as bar:
        tasks: dict[str, int] = {}

        def tell(clip: str, frames: int) -> None:
            if clip not in tasks:
                tasks[clip] = bar.add_task(clip, total=None)
            bar.update(tasks[clip], completed=frames)  # type: ignore[arg-type]

        summary = offline_command.run(
            settings, source, out_dir, watchlist=watchlist, degradation=degrade, progress=tell
        )
    if as_json:
        print_json(summary)
        return
    rows = table(None, "clip", "frames", "tracks", "hits")
    for clip in summary["clips"]:
        hits = ", ".join(f"{hit['name']} ({hit['similarity']:.2f})" for hit in clip["hits"]) or "none"
        rows.add_row(clip["clip"], str(clip["frames"]), str(clip["tracks"]), hits)
    out.print(rows)
    for clip in summary["clips"]:
        if clip["problem"]:
            out.print(clip["problem"])
    out.print(f"Report: {summary['report']}")


def detect(
    paths: Paths,
    detector: Annotated[
        str | None, typer.Option(help="default, a model of the pack, haar, or a YuNet-format .onnx")
    ] = None,
    min_score: Annotated[
        float | None, typer.Option(help="score below which a detection is dropped", min=0, max=1)
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find faces: one line per image or frame."""
    from edge.app.offline import lines

    settings = read_config(config)
    changes = {"model": detector, "min_score": min_score}
    section = settings.detect.model_copy(update={k: v for k, v in changes.items() if v is not None})
    for line in lines.detect(settings.model_copy(update={"detect": section}), paths):
        if as_json:
            print_json(line)
        else:
            faces = ", ".join(f"{d['score']:.2f} at {[round(x) for x in d['box']]}" for d in line["detections"])
            sys.stdout.write(f"{line['path']} #{line['frame']}: {faces or 'no face'}\n")


def embed(
    paths: Annotated[list[Path] | None, typer.Argument(help="images; the largest face of each is embedded")] = None,
    listed: Annotated[Path | None, typer.Option("--list", help="a file with one image path per line")] = None,
    enhance: Annotated[str, typer.Option(help="off or auto")] = "off",
    aligned: Annotated[bool, typer.Option("--aligned", help="the images are 112 x 112 aligned crops")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Embed faces: one line per image."""
    from edge.app.offline import lines

    if enhance not in {"auto", "off"}:
        raise typer.BadParameter(f"--enhance is auto or off, not {enhance!r}")
    everything = list(paths or [])
    if listed is not None:
        try:
            everything += [Path(text) for text in listed.read_text("utf-8").splitlines() if text.strip()]
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{listed}: the list can't be read ({error}); give a text file with one path per line"
            ) from None
    if not everything:
        raise typer.BadParameter("give image paths, or a --list of them")
    with progress() as bar:
        task = bar.add_task("embedding", total=len(everything))
        for line in lines.embed(read_config(config), everything, aligned=aligned, enhance=enhance):
            bar.advance(task)
            if as_json:
                print_json(line)
            else:
                what = line.get("reason") or f"face {line['box']}, quality {line['quality']['score']:.0f}"
                sys.stdout.write(f"{line['path']}: {what}\n")


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    for command in (process, detect, embed):
        app.command()(command)
