"""`edge enhance`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress_bars, read_config


def enhance(
    source: Annotated[
        Path, typer.Argument(help="an image of any size, gray or color, 8 or 16 bits, with or without alpha")
    ],
    target: Annotated[
        Path, typer.Option("--out", "-o", help="file to write: png, jpg, webp, bmp or tif; never the original")
    ],
    steps: Annotated[
        str,
        typer.Option(help="auto, or steps in their order: denoise,lime,deblur,restore,sr2,sr4; sr2:MODEL picks one"),
    ] = "auto",
    recipe: Annotated[Path | None, typer.Option(help="write the recipe to this file, too (JSON)")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Enhance a picture and print the recipe. What a model drew is labelled, on screen and in the file."""
    from edge.app.offline import enhance as enhancement

    names = [name.strip() for name in steps.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("--steps is auto, or names with commas between them")
    with progress_bars() as tell:
        told = enhancement.enhance(read_config(config), source, target, steps=names, recipe_file=recipe, progress=tell)
    if as_json:
        print_json(told)
        return
    for note in told["notes"]:
        out.print(note)
    for step in told["recipe"]["steps"]:
        model = f", {step['params']['model']} {step['model_sha256'][:12]}" if step["model_sha256"] else ""
        out.print(f"{step['name']} version {step['version']}{model}: {step['ms']:.0f} ms, {step['output_sha256'][:12]}")
    for step in told["recipe"]["skipped"]:
        out.print(f"{step['name']} left out: {step['reason']}")
    if told["generated"]:
        out.print(told["generated"])
    out.print(f"{target}: {told['width']} x {told['height']} px")
