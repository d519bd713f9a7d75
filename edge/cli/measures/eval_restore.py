"""`edge eval restore`: what each enhancement step does to likeness and recognition."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.cli.common import (
    ConfigOption,
    JsonOption,
    LanguageOption,
    out,
    print_json,
    progress_bars,
    read_config,
    require_language,
    table,
)


def eval_restore(
    images: Annotated[Path, typer.Option(help="folder of PERSON/PERSON_0001.jpg pictures")],
    people: Annotated[Path, typer.Option(help="file with one person per line, for the table")],
    degrade: Annotated[
        list[str] | None,
        typer.Option(help="NAME:LEVEL or small:LEVEL; may be given several times [default: all at 3 and 5]"),
    ] = None,
    steps: Annotated[str, typer.Option(help="steps, separated by commas [default: all, and auto]")] = "",
    count: Annotated[int, typer.Option(help="pictures in the table", min=4)] = 80,
    html: Annotated[Path | None, typer.Option(help="write a page with pictures and plots beside the numbers")] = None,
    write_benefit: Annotated[
        bool, typer.Option("--write-benefit", help="choose what may be done for recognition, and keep it in the pack")
    ] = False,
    write_view: Annotated[
        bool, typer.Option("--write-view", help="choose what is done for eyes with each fault, and keep it in the pack")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(help="folder where --write-view keeps what it measured: a stopped run goes on there")
    ] = None,
    choose_on: Annotated[
        Path | None,
        typer.Option(
            help="people on whom the choices are made; if they are those of --people, the table is too favourable"
        ),
    ] = None,
    choose_count: Annotated[int, typer.Option(help="pictures for each choice", min=4)] = 160,
    markdown: Annotated[
        bool,
        typer.Option("--markdown", help="print the table of docs/measured.md: steps with their own faults, and auto"),
    ] = False,
    language: LanguageOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Restoration: PSNR, SSIM, identity drift and true accept rate, per step, degradation and level."""
    from edge.app.evaluation import restore, view
    from edge.app.evaluation.accuracy import read_people
    from edge.app.evaluation.restore_report import write_report

    settings = read_config(config)
    language = require_language(settings, language)
    answer: dict[str, Any] = {}
    choosers = choose_on or people
    with progress_bars() as tell:
        if write_benefit:
            chosen = restore.write_benefit(settings, images, read_people(choosers), count=choose_count, progress=tell)
            answer["benefit"] = chosen | {"chosen_on": str(choosers)}
        if write_view:
            views = view.write_view(
                settings, images, read_people(choosers), count=choose_count, keep=keep, progress=tell
            )
            answer["view"] = views | {"chosen_on": str(choosers)}
        if not (write_benefit or write_view) or html is not None or degrade is not None:
            names = [name.strip() for name in steps.split(",") if name.strip()]
            measured, conditions = restore.measure_restoration(
                settings,
                images,
                read_people(people),
                conditions=degrade or restore.CONDITIONS,
                steps=names,
                count=count,
                progress=tell,
            )
            answer |= measured
            if html is not None:
                write_report(html, answer, conditions, language)
                answer["html"] = str(html)
    if as_json:
        print_json(answer)
        return
    if markdown and "rows" in answer:
        for line in markdown_lines(answer["rows"]):
            sys.stdout.write(line + "\n")
        return
    _print(answer)


def _print(answer: dict[str, Any]) -> None:
    if "rows" in answer:
        _print_rows(answer["rows"])
    for line in answer.get("left_out", []):
        out.print(f"left out: {line}")
    if "view" in answer:
        _print_view(answer["view"])
    if "benefit" in answer:
        _print_benefit(answer["benefit"])


def _print_rows(rows: list[dict[str, Any]]) -> None:
    names = ("step", "degradation", "done", "PSNR dB", "SSIM", "likeness to the clean face", "worst 5 %", "TAR")
    shown = table(None, *names, "TAR, both")
    for row in rows:
        shown.add_row(*_cells(row))
    out.print(shown)


def _print_view(view: dict[str, Any]) -> None:
    chosen = table(None, "faults", "steps", "gain in PSNR, dB", "in likeness", "faces")
    for one in view["choices"]:
        faults = ", ".join(f"{fault} {low}-{high}" for fault, (low, high) in one["levels"].items())
        steps = ", ".join(" ".join([step["name"], *map(str, step["params"].values())]) for step in one["steps"])
        chosen.add_row(faults, steps, f"{one['psnr_db']:+.2f}", f"{one['likeness']:+.4f}", str(one["num_faces"]))
    out.print(chosen)
    out.print(f"{view['written']}: for all other faults nothing is done")


def _print_benefit(benefit: dict[str, Any]) -> None:
    tried = table(None, "step", "fault", "from level", "gain in TAR", "at least", "worst", "for recognition")
    for one in benefit["rows"]:
        numbers = (f"{one[key]:+.4f}" for key in ("gain", "least", "worst"))
        use = "yes" if one["shown"] else "view only"
        tried.add_row(one["step"], one["fault"], str(one["min_level"]), *numbers, use)
    out.print(tried)
    out.print(f"{benefit['written']}: similarities disagree beyond {benefit['disagreement']:.3f}")


def markdown_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """The table of docs/measured.md: each step where its fault is, and what auto does."""
    yield "| step | fault | done | PSNR dB | SSIM | likeness | worst 5 % | TAR | TAR, both |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        if row["step"] == "auto" or row["degrade"].partition(":")[0] in _OWN_FAULTS[row["step"]]:
            yield f"| {' | '.join(_cells(row))} |"


def _cells(row: dict[str, Any]) -> list[str]:
    """What both tables say of a step and a fault; numbers before > after."""
    pairs = [f"{row['off'][key]:{form}} > {row['on'][key]:{form}}" for key, form in _COLUMNS]
    return [row["step"], row["degrade"], f"{row['share_done']:.2f}", *pairs, f"{row['both']['tar']:.3f}"]


_OWN_FAULTS = {
    "denoise": ("noise", "dark"),
    "lime": ("dark",),
    "deblur": ("motion", "blur"),
    "restore": ("cctv", "jpeg"),
    "sr2": ("small",),
    "sr4": ("small",),
}


_COLUMNS = (("psnr_db", ".1f"), ("ssim", ".3f"), ("cosine", ".3f"), ("cosine_worst", ".3f"), ("tar", ".3f"))
