"""The choices for eyes: the pack's own belong to its steps, and those of other steps count for nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge.config import PACKAGED_MODELS
from edge.enhance import GENERATIVE, STEPS, VIEW_FILE, Views
from edge.enhance.benefit import hashes_of
from edge.enhance.faults import FAULTS
from edge.enhance.view import Choice, ChosenStep, ViewFile, read_views, stale_steps
from edge.sessions import Pack
from tests.support.models.tiny_pictures import picture_pack

NONE = dict.fromkeys(FAULTS, 0)
CALM = Choice(
    steps=(ChosenStep(name="denoise"), ChosenStep(name="lime", params={"gamma": 0.5})),
    levels={"noise": (3, 5), "dark": (2, 2)},
    psnr_db=3.0,
    likeness=0.01,
    num_faces=20,
)


def test_the_packs_choices_belong_to_its_models() -> None:
    """Write them anew after a change of models: edge eval restore --write-view, as docs/enhancement.md says."""
    pack = Pack.open(PACKAGED_MODELS)
    held = ViewFile.model_validate(json.loads((PACKAGED_MODELS / VIEW_FILE).read_text("utf-8")))
    assert stale_steps(held, hashes_of(pack)) == []
    assert held.models == {task: hashes_of(pack)[task] for task in held.models}
    assert held.measured_with == {task: hashes_of(pack)[task] for task in ("detect", "embed")}
    assert held.choices
    assert all(one.psnr_db > 0 for one in held.choices)


def test_a_choice_holds_for_its_levels_alone() -> None:
    views = Views((CALM,), None)
    assert views.steps_for({**NONE, "noise": 4, "dark": 2}) == CALM.steps
    for other in ({"noise": 2, "dark": 2}, {"noise": 4, "dark": 3}, {"noise": 4, "dark": 2, "blur": 1}, {}):
        assert views.steps_for({**NONE, **other}) == ()
    assert views.told() == "shown to help the eye: denoise, lime"


def write(pack: Pack, **changes: Any) -> None:
    told = {
        "version": 1,
        "models": hashes_of(pack),
        "measured_with": {},
        "steps": {name: kind.version for name, kind in STEPS.items()},
        "choices": [CALM.model_dump(mode="json")],
    }
    (pack.models_dir / VIEW_FILE).write_text(json.dumps({**told, **changes}), "utf-8")


def test_what_was_measured_with_other_steps_counts_for_nothing(tmp_path: Path) -> None:
    pack = Pack.open(picture_pack(tmp_path / "pack"))
    assert "missing" in str(read_views(pack).problem)
    write(pack)
    assert read_views(pack) == Views((CALM,), None)
    write(pack, models={**hashes_of(pack), "embed": "0" * 64, "sr2": "0" * 64})
    assert read_views(pack).problem is None, "neither is used by a choice"
    write(pack, models={**hashes_of(pack), "denoise": "0" * 64})
    assert read_views(pack) == Views(problem="view.json was measured with another denoise: nothing is enhanced")
    write(pack, steps={"denoise": 1, "lime": 99})
    assert "another lime" in str(read_views(pack).problem)
    for text in ("{", "[]"):
        (pack.models_dir / VIEW_FILE).write_text(text, "utf-8")
        assert "can't be read" in str(read_views(pack).problem)


def test_what_draws_detail_is_never_chosen(tmp_path: Path) -> None:
    pack = Pack.open(picture_pack(tmp_path / "pack"))
    for name in sorted(GENERATIVE):
        write(pack, choices=[{**CALM.model_dump(mode="json"), "steps": [{"name": name}]}])
        assert f"another {name}" in str(read_views(pack).problem)
    with pytest.raises(ValidationError):
        Choice(steps=(), levels={}, psnr_db=1.0, likeness=0.0, num_faces=1)
