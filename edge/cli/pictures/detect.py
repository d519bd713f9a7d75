"""`edge detect`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, JsonOption, err, print_json, progress, read_config

Paths = Annotated[list[Path], typer.Argument(help="images, videos, GIFs, or folders of them")]


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

    def tell(problem: str) -> None:
        err.print(problem, soft_wrap=True, markup=False)

    settings = read_config(config)
    changes = {"model": detector, "min_score": min_score}
    section = settings.detect.model_copy(update={k: v for k, v in changes.items() if v is not None})
    with progress() as bar:
        task = bar.add_task("frames", total=lines.expected_frames_of(paths))
        for line in lines.detect(settings.model_copy(update={"detect": section}), paths, tell):
            bar.advance(task)
            if as_json:
                print_json(line)
            else:
                faces = ", ".join(f"{d['score']:.2f} at {[round(x) for x in d['box']]}" for d in line["detections"])
                sys.stdout.write(f"{line['path']} #{line['frame']}: {faces or 'no face'}\n")
