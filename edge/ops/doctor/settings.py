"""Checks the configuration: shows values that differ from the defaults, and finds likely mistakes."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from edge.capture.address import without_login
from edge.config import CameraConfig, Config
from edge.ops.doctor.check import Check, passed, warned


def effective(config: Config) -> dict[str, Any]:
    """Every setting in force, `table.key` to a JSON-ready value; addresses without user name and password."""
    return dict(_flat(config, ""))


def check_settings(config: Config) -> list[Check]:
    """Report settings that differ from the defaults, and values that contradict each other."""
    values, usual = effective(config), effective(Config())
    for camera in config.camera:
        bare = CameraConfig(name=camera.name, source="none")
        usual |= {f"camera[{camera.name}].{key}": value for key, value in _flat(bare, "") if key != "source"}
    changed = [f"{key} = {value}" for key, value in values.items() if key not in usual or usual[key] != value]
    name = "configuration"
    cameras = "1 camera" if len(config.camera) == 1 else f"{len(config.camera)} cameras"
    found = f"{cameras}, data in {config.data_dir}; differs from the defaults: "
    return [passed(name, found + (", ".join(changed) or "nothing")), *_contradictions(config)]


def check_statuses(config: Config, statuses: Sequence[str]) -> Check:
    """Check that every status named in a setting is used on the list, whose own are `statuses`."""
    named = sorted({*config.review.second_person_for, *config.review.urgent_for, *config.status})
    unknown = [status for status in named if status not in statuses]
    if not named or not statuses:
        return passed("statuses in settings", ", ".join(named) or "none is named")
    if not unknown:
        return passed("statuses in settings", ", ".join(named))
    near = difflib.get_close_matches(unknown[0], statuses, n=1, cutoff=0.0)
    fix = f"correct [status] or [review] (did you mean {near[0]!r}?), or enrol somebody with it"
    return warned("statuses in settings", f"nobody on the list is {unknown[0]!r}", fix)


def _contradictions(config: Config) -> Iterator[Check]:
    if config.detect.keep_score > config.detect.min_score:
        found = f"keep_score {config.detect.keep_score} is over min_score {config.detect.min_score}"
        yield warned("detect scores", found, "set [detect] keep_score below min_score, or tracks break up early")
    if config.recognise.min_shots > config.recognise.max_shots:
        found = f"min_shots {config.recognise.min_shots} is over max_shots {config.recognise.max_shots}"
        yield warned(
            "recognise shots", found, "set [recognise] min_shots to max_shots at most, or nobody is recognised"
        )
    if config.recognise.min_similarity < 0.3:
        found = f"min_similarity {config.recognise.min_similarity}: strangers will match"
        yield warned(
            "recognise similarity", found, "raise [recognise] min_similarity, or run `edge watchlist calibrate`"
        )


def _flat(model: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        items = value if isinstance(value, tuple) and value and isinstance(value[0], BaseModel) else None
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, dict):
            for key, table in value.items():
                yield from _flat(table, f"{prefix}{name}.{key}.")
        elif items is not None:
            for item in items:
                yield from _flat(item, f"{prefix}{name}[{getattr(item, 'name', len(prefix))}].")
        else:
            plain = value if isinstance(value, bool | int | float) or value is None else str(value)
            yield f"{prefix}{name}", without_login(plain) if isinstance(plain, str) else plain
