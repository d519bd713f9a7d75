"""`edge eval ...`: how well it works, measured."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from edge.cli.common import ConfigOption, JsonOption, out, print_json, progress_bars, read_config, require_mode, table
from edge.cli.measures.eval_groups import print_groups
from edge.cli.measures.eval_watch import print_watch

app = typer.Typer(help="Measure how well it works, on labelled pictures.", no_args_is_help=True)

Degrade = Annotated[
    list[str] | None, typer.Option(help="clean, or NAME[:LEVEL]; may be given several times [default: clean]")
]
Images = Annotated[Path, typer.Option(help="folder of PERSON/PERSON_0001.jpg pictures")]


@app.command("pairs")
def eval_pairs(
    images: Images,
    pairs: Annotated[Path, typer.Option(help="pairs file in the format of LFW")],
    degrade: Degrade = None,
    enhance: Annotated[str, typer.Option(help="off or auto")] = "off",
    aligned: Annotated[bool, typer.Option("--aligned", help="the pictures are 112 x 112 aligned crops")] = False,
    peer: Annotated[
        Path | None, typer.Option(help="folder with YuNet and MobileFaceNet, measured in the same call")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verification: 10-fold accuracy and true accept rate at FMR 1e-2 and 1e-3."""
    from edge.app.evaluation import accuracy as measurement

    require_mode(enhance)
    with progress_bars() as tell:
        answer = measurement.pairs(
            read_config(config),
            images,
            pairs,
            degradations=degrade or ["clean"],
            enhance=enhance,
            aligned=aligned,
            peer=peer,
            progress=tell,
        )
    if as_json:
        print_json(answer)
        return
    rows = table(None, "degradation", "who", "accuracy", "TAR at FMR 1e-2", "at 1e-3", "without a face")
    if answer["benefit_problem"]:
        out.print(f"Nothing is enhanced: {answer['benefit_problem']}")
    if enhance == "auto":
        out.print(_off_vs_auto_table(answer["rows"]))
    for who, reports in (("ours", answer["rows"]), ("peer", answer.get("peer", []))):
        for r in reports:
            tar = r["tar"]
            found = f"{r['num_without_face']} of {r['num_pictures']}"
            rows.add_row(r["degrade"], who, f"{r['accuracy']:.3f}", f"{tar['1e-2']:.3f}", f"{tar['1e-3']:.3f}", found)
    out.print(rows)


def _off_vs_auto_table(reports: list[dict[str, Any]]) -> Table:
    """The same faces without and with enhancement, in points."""
    rows = table(None, "degradation", "enhanced", "accuracy off > auto", "TAR at FMR 1e-2 off > auto")
    for r in reports:
        off, share = r["off"], f"{r['num_enhanced']} of {r['num_pictures']}"
        accuracy = f"{100 * off['accuracy']:.1f} > {100 * r['accuracy']:.1f}"
        rows.add_row(r["degrade"], share, accuracy, f"{100 * off['tar']['1e-2']:.1f} > {100 * r['tar']['1e-2']:.1f}")
    return rows


@app.command("identify")
def eval_identify(
    images: Images,
    people: Annotated[Path, typer.Option(help="file with one person per line")],
    degrade: Degrade = None,
    enrolled: Annotated[
        int, typer.Option(help="pictures enrolled of each person who has more; the others are strangers", min=1)
    ] = 2,
    first_probe: Annotated[
        int | None, typer.Option(help="pictures left out of the probes [default: those enrolled]", min=1)
    ] = None,
    min_margin: Annotated[float, typer.Option(help="lead over the runner-up a match needs", min=0, max=2)] = 0.0,
    peer: Annotated[
        Path | None, typer.Option(help="folder with YuNet and MobileFaceNet, measured in the same call")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open-set identification: FNIR at FPIR, and whether what calibration promises holds for strangers."""
    from edge.app.evaluation import accuracy as measurement

    with progress_bars() as tell:
        answer = measurement.identification(
            read_config(config),
            images,
            people,
            degradations=degrade or ["clean"],
            peer=peer,
            min_margin=min_margin,
            enrolled=enrolled,
            first_probe=first_probe,
            progress=tell,
        )
    if as_json:
        print_json(answer)
        return
    rows = table(
        None, "degradation", "who", "FNIR at FPIR 1e-2", "at 3e-2", "FPIR promised > measured", "without a face"
    )
    for who, reports in (("ours", answer["rows"]), ("peer", answer.get("peer", []))):
        for r in reports:
            kept = ", ".join(f"{p['promised']:g} > {p['measured']:.4f}" for p in r["promised"])
            missed = f"{r['num_without_face']} of {r['num_genuine'] + r['num_strangers']}"
            rows.add_row(r["degrade"], who, f"{r['fnir']['0.01']:.3f}", f"{r['fnir']['0.03']:.3f}", kept, missed)
    out.print(rows)


@app.command("detect")
def eval_detect(
    images: Images,
    people: Annotated[Path, typer.Option(help="file with one person per line, whose pictures make the mosaics")],
    scenes: Annotated[Path, typer.Option(help="folder of pictures without faces, the background")],
    peer: Annotated[
        Path, typer.Option(help="folder with YuNet: it labels the clean pictures and is measured beside us")
    ],
    degrade: Degrade = None,
    count: Annotated[int, typer.Option(help="mosaics", min=1)] = 100,
    face_px: Annotated[
        float | None,
        typer.Option(
            help="width of a face in px, with which levels scale [default: the median face of each mosaic]", min=1
        ),
    ] = None,
    footage: Annotated[list[Path] | None, typer.Option(help="real footage, to count faces found and clutter")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Detection: average precision at IoU 0.5 on seeded 640 x 480 mosaics, and what happens on real footage."""
    from edge.app.evaluation import accuracy as measurement

    with progress_bars() as tell:
        answer = measurement.detection(
            read_config(config),
            images,
            people,
            scenes,
            peer,
            degradations=degrade or ["clean"],
            count=count,
            face_px=face_px,
            footage=footage or [],
            progress=tell,
        )
    if as_json:
        print_json(answer)
        return
    rows = table(None, "degradation", "who", "AP at IoU 0.5", "recall", "landmark error of the eye distance")
    for r in answer["rows"]:
        error = "" if r["landmark_error_to_peer"] is None else f"{r['landmark_error_to_peer']:.3f}"
        rows.add_row(r["degrade"], r["detector"], f"{r['average_precision']:.3f}", f"{r['recall']:.3f}", error)
    out.print(rows)
    for clip in answer.get("footage", []):
        out.print(
            f"{clip['path']}: {clip['num_peer_sure_found']} of the peer's {clip['num_peer_sure']} sure faces found, "
            f"{clip['num_clutter']} places in {clip['num_frames']} frames where the peer sees nothing"
        )


@app.command("groups")
def eval_groups(
    images: Annotated[Path, typer.Option(help="folder of tightly cut faces named NNNNN_AGE_SEX_SKIN.jpg (UTKFace)")],
    min_similarity: Annotated[
        float | None, typer.Option(help="similarity a match needs [default: recognise.min_similarity]", min=-1, max=1)
    ] = None,
    max_similarity: Annotated[
        float | None,
        typer.Option(
            help="pairs at least this similar count as one person and are left out [default: none]", min=-1, max=1
        ),
    ] = None,
    aligned: Annotated[bool, typer.Option("--aligned", help="the pictures are 112 x 112 aligned crops")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fairness: false match rates within and across groups of sex, skin and age, with 95 % bounds.

    Every two pictures count as two people, so a pair that shows one person counts as a false match; --json
    lists the pairs most alike, and --max-similarity leaves out such pairs. File names give the age in years, the sex (0
    male, 1 female) and the skin (0 White, 1 Black, 2 Asian, 3 Indian, 4 others).
    """
    from edge.app.evaluation import groups as measurement

    with progress_bars() as tell:
        answer = measurement.groups(
            read_config(config),
            images,
            min_similarity=min_similarity,
            max_similarity=max_similarity,
            aligned=aligned,
            progress=tell,
        )
    if as_json:
        print_json(answer)
        return
    print_groups(answer)


@app.command("watch")
def eval_watch(
    footage: Annotated[list[Path] | None, typer.Option(help="quiet clip; may be given several times")] = None,
    scenes: Annotated[Path | None, typer.Option(help="folder of pictures, each a still scene")] = None,
    num_scenes: Annotated[int, typer.Option(help="how many of its pictures, by name", min=1)] = 8,
    variants: Annotated[int, typer.Option(help="variants of each fault per clip or scene", min=1)] = 2,
    quiet_hours: Annotated[float, typer.Option(help="hours of quiet footage in all", min=0.01)] = 24.0,
    as_json: JsonOption = False,
) -> None:
    """Camera states: faults put into footage that are found, and false states of quiet footage.

    A fault counts where its state is said within 30 s and is over within 30 s of its end; a loop of 12 to 45 s within
    60 s of its first return. Quiet footage gets a day's light in every hour, lamps, passers, showers and noise, with a
    look every four seconds, and an eighth of it again with two looks a second.
    """
    from edge.app.evaluation import watch as measurement

    with progress_bars() as tell:
        answer = measurement.watch(
            footage or [],
            scenes,
            num_scenes=num_scenes,
            variants=variants,
            quiet_hours=quiet_hours,
            progress=tell,
        )
    if as_json:
        print_json(answer)
        return
    print_watch(answer)
