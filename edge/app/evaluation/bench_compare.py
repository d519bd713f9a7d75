"""Holds figures of `edge bench` against those of an earlier run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.errors import ImageError

MAX_SLOWER = 1.10
"""How many times longer a stage may take; two runs on an idle machine differ by less."""
MAX_WAITED = 1.15
"""How many times its processor time a call may take by the clock until the machine counts as busy."""


def read_figures(path: Path) -> dict[str, Any]:
    """What `edge bench --json` printed into a file; raises ImageError where it is something else."""
    try:
        figures = json.loads(path.read_text("utf-8"))
        if all(float(stage["p50_ms"]) > 0 for stage in figures["stages"].values()):
            return dict(figures)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(f"{path}: holds no figures of edge bench ({error}); write them with --json") from None
    raise ImageError(f"{path}: holds a stage that took no time; write it again with edge bench --json")


def slower_stages(now: Mapping[str, Any], before: Mapping[str, Any]) -> list[str]:
    """A sentence for each stage that takes more than `MAX_SLOWER` of what it did, or that is there no more.

    Processor time is compared, as a multiple of the peer's in the same run, so that a busy machine does not count
    against a stage; files of releases that did not write it are compared by the clock.
    """
    told = []
    for name, was in before["stages"].items():
        stage = now["stages"].get(name)
        if stage is None:
            told.append(f"{name}: was not measured this time")
            continue
        key, unit = (
            ("peer_ratio", "times the peer") if {"peer_ratio"} <= stage.keys() & was.keys() else ("p50_ms", "ms")
        )
        if stage[key] > MAX_SLOWER * was[key]:
            more = 100 * (stage[key] / was[key] - 1)
            told.append(f"{name}: {stage[key]:.2f} {unit}, {more:.0f} % more than {was[key]:.2f} {unit}")
    return told


def busy_run(figures: Mapping[str, Any], which: str) -> str | None:
    """That other work was in the way of a run, and what that means; None where it was not, or was not written."""
    if (waited := float(figures.get("waited_ratio", 1.0))) <= MAX_WAITED:
        return None
    return (
        f"{which} the machine was busy with other work, which made everything {waited:.1f} times as long by the clock; "
        "stages are compared by processor time, but measure again on an idle machine before you rely on 10 %"
    )


def other_machine(now: Mapping[str, Any], before: Mapping[str, Any]) -> str | None:
    """Why the two runs can't be compared fairly; None where they can."""
    then, here = before.get("processor", {}), now["processor"]
    if then and then.get("name") != here["name"]:
        return f"the file was measured on {then.get('name')}, this is {here['name']}"
    hashes = [{task: model.get("sha256") for task, model in one.get("models", {}).items()} for one in (now, before)]
    return None if hashes[0] == hashes[1] else "the models are not the same"
