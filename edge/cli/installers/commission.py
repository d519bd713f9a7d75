"""`edge commission`: the acceptance walk, which an installer runs on a device before leaving it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress, TaskID

from edge.cli.common import (
    ConfigOption,
    JsonOption,
    LanguageOption,
    err,
    out,
    print_json,
    progress,
    read_config,
    require_language,
    table,
)
from edge.config import Config
from edge.errors import ConfigError, ExitCode, ImageError, ServiceError, StoreError

if TYPE_CHECKING:
    from edge.app.commission.findings import Findings
    from edge.app.commission.session import DistancesOf, WalkSession


WAIT_WITHOUT_TERMINAL_S = 5.0
"""Seconds between two stations where nobody can press Enter."""


def commission(
    clip: Annotated[Path | None, typer.Option(help="a recorded walk by day, instead of the camera")] = None,
    night_clip: Annotated[Path | None, typer.Option(help="a recorded walk at night")] = None,
    camera: Annotated[str | None, typer.Option(help="name of the camera [default: the only one]")] = None,
    person: Annotated[str | None, typer.Option(help="id of the walker [default: the only person listed]")] = None,
    walker: Annotated[
        list[Path] | None, typer.Option(help="pictures of a walker who is not on the list, for this run alone")
    ] = None,
    marks: Annotated[str | None, typer.Option(help="seconds=metres in a clip of a steady walk: 0=8,12=2")] = None,
    steps: Annotated[str | None, typer.Option(help="seconds=metres in a clip with stops: 0=8,10=6")] = None,
    focal_px: Annotated[
        float | None, typer.Option(help="focal length in px, to compute distances from the eyes")
    ] = None,
    hfov: Annotated[
        float | None, typer.Option(help="horizontal field of view in degrees, instead of --focal-px")
    ] = None,
    stations: Annotated[
        str, typer.Option(help="distances of the floor marks in metres, for a live camera")
    ] = "2,3,4,5,6,7,8",
    seconds: Annotated[float, typer.Option(help="seconds at each mark")] = 20.0,
    night: Annotated[bool, typer.Option("--night", help="walk again at night, with a live camera")] = False,
    sheet: Annotated[Path, typer.Option("--out", help="file to write")] = Path("commission.html"),
    verify: Annotated[Path | None, typer.Option(help="check the signature of a sheet instead")] = None,
    key: Annotated[
        str | None, typer.Option(help="with --verify: public key or fingerprint that must have signed")
    ] = None,
    language: LanguageOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Guide an acceptance walk of some ten minutes, and write a signed sheet: who is recognised from where to where.

    The walker is on the list (`--person`), or is enrolled from pictures for this run (`--walker`). With a live camera
    the terminal says where to stand; while the service runs, the page does the same at /commission.
    `--clip` takes a recorded walk instead.
    """
    settings = read_config(config)
    language = require_language(settings, language)
    if verify is not None:
        _verify(settings, verify, key, as_json)
        return
    _require_writable(sheet)  # fail before the ten-minute walk, not after it
    from edge.app.commission.session import keep_accepted, open_session

    with open_session(settings, person, walker or ()) as made:
        if clip is not None or night_clip is not None:
            _measure_clips(made, clip, night_clip, _distances(marks, steps, focal_px, hfov))
            name = camera or (clip or night_clip or sheet).name
        else:
            name = _walk_before_camera(made, settings, camera, stations, seconds, night)
        findings, data = made.finish(name, language)
        try:
            sheet.write_bytes(data)
        except OSError as error:
            raise StoreError(f"{sheet}: can't be written ({error.strerror}); give another --out") from None
    is_kept = keep_accepted(settings, name, findings)
    if as_json:
        told = {"sentence": findings.sentence, "sheet": str(sheet), "limits": asdict(findings.limits)}
        print_json(told | {"rows": [asdict(r) for r in findings.rows], "zones": [asdict(r) for r in findings.zones]})
        return
    _print_findings(findings)
    out.print(f"{sheet}: signed; print it, or save it as PDF from a browser.")
    if is_kept:
        out.print(f"Faces of later days at {name} are compared with this walk.")


def _require_writable(sheet: Path) -> None:
    if not (os.access(sheet, os.W_OK) or (os.access(sheet.parent, os.W_OK) and not os.access(sheet, os.F_OK))):
        raise StoreError(f"{sheet}: can't be written as this user; give another --out, such as /tmp/sheet.html")


def _print_findings(findings: Findings) -> None:
    rows = table(None, "light", "where", "faces", "eyes px", "sharpness", "brightness", "one shot", "best shots", "")
    for r in [*findings.rows, *findings.zones]:
        best = "" if r.fused is None else f"{r.fused:.2f}"
        numbers = (f"{r.eye_px:.0f}", f"{r.sharpness:.2f}", f"{r.luma:.2f}", f"{r.similarity:.2f}", best)
        rows.add_row(r.light, r.label, str(r.count), *(numbers if r.count else [""] * len(numbers)), r.why)
    out.print(rows)
    expected = findings.limits.expected_false_alerts
    out.print(f"{findings.sentence} {expected[:1].upper()}{expected[1:]}.")


def _distances(marks: str | None, steps: str | None, focal_px: float | None, hfov: float | None) -> DistancesOf:
    from edge.app.commission.distances import Marks
    from edge.app.commission.session import pinhole_of

    if marks is not None or steps is not None:
        told = Marks.parse(str(steps if marks is None else marks), steps=marks is None)
        return lambda _: told
    return pinhole_of(focal_px, hfov)


def _measure_clips(made: WalkSession, clip: Path | None, night_clip: Path | None, distances: DistancesOf) -> None:
    from edge.capture.sources import expected_frames

    with progress() as bar:
        for path, light in ((clip, "day"), (night_clip, "night")):
            if path is not None:
                task = bar.add_task(path.name, total=expected_frames(path))
                made.measure_clip(path, distances, light, partial(_update_bar, bar, task))


def _update_bar(bar: Progress, task: TaskID, done: int) -> None:
    bar.update(task, completed=done)


def _walk_before_camera(
    made: WalkSession, settings: Config, name: str | None, stations: str, seconds: float, night: bool
) -> str:
    """Guide a walk before a live camera, which no running service may hold."""
    from edge.app.commission.terminal import TerminalGuide, guide_walk
    from edge.ops.doctor.network import is_service_answering

    chosen = [one for one in settings.camera if name is None or one.name == name]
    if len(chosen) != 1:
        names = ", ".join(one.name for one in settings.camera) or "none"
        raise ConfigError(f"say which camera with --camera; the configuration has: {names}")
    if is_service_answering(settings):
        raise ServiceError("the service runs and holds the camera: use its page /commission, or stop it first")
    try:
        metres = [int(part) for part in stations.split(",")]
        if min(metres) < 1:
            raise ValueError
    except ValueError:
        raise ImageError(f"--stations {stations[:60]!r} are not whole metres; give them like 2,4,6") from None
    guide = TerminalGuide(_wait_for_enter, lambda text: err.print(text, soft_wrap=True))
    lights = ("day", "night") if night else ("day",)
    guide_walk(made, chosen[0], guide, stations=metres, lights=lights, seconds=seconds)
    return chosen[0].name


def _wait_for_enter(text: str) -> None:
    """Wait for Enter, or some seconds where nobody can press it."""
    if sys.stdin.isatty():
        err.print(f"{text}. Then press Enter", end=" ", soft_wrap=True)
        sys.stdin.readline()
        return
    err.print(f"{text}. In {WAIT_WITHOUT_TERMINAL_S:.0f} s it begins", soft_wrap=True)
    time.sleep(WAIT_WITHOUT_TERMINAL_S)


def _verify(settings: Config, path: Path, key: str | None, as_json: bool) -> None:
    """Check that a sheet is unchanged and signed by the right key: `key`, or this appliance's own."""
    from edge.app.commission.sheet import check_sheet
    from edge.ops.release.signing import KEY_FILE, device_key, fingerprint, public_hex

    try:
        public = check_sheet(path.read_bytes(), str(path))
    except OSError as error:
        raise ImageError(f"{path}: can't be read ({error.strerror}); check the path") from None
    wanted = key.strip().lower() if key else None
    if wanted is None and (settings.data_dir / KEY_FILE).is_file():
        wanted = public_hex(device_key(settings.data_dir))
    is_known = wanted is not None and wanted.replace(" ", "") in (public, fingerprint(public).replace(" ", ""))
    if as_json:
        print_json({"whole": True, "key": public, "fingerprint": fingerprint(public), "known": is_known})
    elif is_known:
        out.print(f"{path}: whole, and signed by {'the key given' if key else 'this box'} ({fingerprint(public)}).")
    else:
        whose = "another key than the one given" if key else "a key that this machine does not know"
        out.print(
            f"{path}: whole, but signed by {whose}: {fingerprint(public)}. Compare it with the box's, or give --key."
        )
    if not is_known:
        raise typer.Exit(int(ExitCode.FAILED))
