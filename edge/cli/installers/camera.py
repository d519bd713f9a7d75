"""`edge camera ...`: looks at a camera before it is configured, or while it makes trouble."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from edge.cli.common import ConfigOption, JsonOption, out, print_json, read_config, table, waiting

app = typer.Typer(help="Cameras.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `test` a command of the group: alone, it would be the group itself."""


@app.command("test")
def camera_test(
    source: Annotated[str, typer.Argument(help="an address such as rtsp://..., a file, or a configured camera's name")],
    seconds: Annotated[float, typer.Option(help="how long to watch", min=0.1, max=600)] = 5.0,
    still: Annotated[Path, typer.Option(help="file for a picture of what was seen")] = Path("camera-test.png"),
    aspect: Annotated[str | None, typer.Option(help="shape of the picture, such as 16:9")] = None,
    deinterlace: Annotated[str | None, typer.Option(help="auto, on or off")] = None,
    transport: Annotated[str | None, typer.Option(help="auto, tcp or udp, for RTSP")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open any source for some seconds; print what it sends, how it asked for the login, and write a still."""
    from edge.app.survey import find_camera, survey

    settings = read_config(config)
    camera = find_camera(settings, source, aspect=aspect, deinterlace=deinterlace, transport=transport)
    with waiting(f"watching for {seconds:g} s"):
        found = survey(camera, seconds, still)
    if as_json:
        print_json(found)
        return
    rows = table(None, "", "")
    for name, value in _rows(found):
        rows.add_row(name, escape(value))
    out.print(rows)
    if found["is_black"]:
        out.print("The picture is black: take off the lens cap, give light, or check how the camera encodes.")
    if found["problem"]:
        out.print(escape(found["problem"]))


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each line of the table."""
    stream, fps = found["stream"] or {}, found["fps"]
    rows = [("source", found["source"])]
    if stream:
        shape = f"{stream['width']} x {stream['height']}"
        square = (
            "square pixels" if stream["pixel_aspect"] == 1 else f"a pixel is {stream['pixel_aspect']:g} times as wide"
        )
        rows += [("codec", f"{stream['codec']} in {stream['container']}"), ("sent as", f"{shape}, {square}")]
    rows.append(("frames", f"{found['frame_width']} x {found['frame_height']}"))
    rows.append(("rate", "one frame" if fps is None else f"{fps:.1f} frames/s"))
    if stream:
        key_s = stream["keyframe_s"]
        rows.append(("interlaced", "yes" if stream["is_interlaced"] else "no"))
        rows.append(
            (
                "keyframes",
                "fewer than two seen; watch longer with --seconds" if key_s is None else f"every {key_s:.1f} s",
            )
        )
    if found["authentication"] is not None:
        rows.append(("authentication", found["authentication"]))
    rows.append(("broken frames", str(found["bad_frames"])))
    rows.append(("still", found["still"]))
    return rows
