"""`edge embed`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, print_json, progress, read_config, require_mode
from edge.errors import ConfigError


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

    require_mode(enhance)
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
