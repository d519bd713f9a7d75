"""The tables of docs/measured.md are found and written by what `tools.figures` measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools import manifest
from tools.figures import __main__ as command
from tools.figures import answers, headers, kinds, rows
from tools.figures.tables import rows_under, with_rows

TEXT = answers.DOCUMENT.read_text("utf-8")


@pytest.mark.parametrize("header", sorted({header for _, header, _ in rows.WRITERS}))
def test_every_table_stands_in_the_document_once(header: str) -> None:
    assert rows_under(TEXT, header)


def test_rows_written_as_they_were_change_nothing() -> None:
    for _, header, _ in rows.WRITERS:
        assert with_rows(TEXT, header, rows_under(TEXT, header)) == TEXT


def test_other_rows_take_the_place_of_all_and_of_nothing_else() -> None:
    text = "before\n\n| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n\nafter\n"
    assert with_rows(text, "| a | b |", [["5", "6"]]) == "before\n\n| a | b |\n|---|---|\n| 5 | 6 |\n\nafter\n"
    assert with_rows(text, "| a | b |", []) == "before\n\n| a | b |\n|---|---|\n\nafter\n"


@pytest.mark.parametrize("text", ["nothing\n", "| a |\n|---|\n| 1 |\n\n| a |\n|---|\n| 2 |\n"])
def test_a_header_that_is_missing_or_doubled_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="are headed"):
        rows_under(text, "| a |")


def test_every_answer_that_is_written_has_a_command() -> None:
    assert {name for name, _, _ in rows.WRITERS} <= set(answers.commands())


def restored(step: str, fault: str) -> dict[str, Any]:
    values = {"psnr_db": 20.0, "ssim": 0.5, "cosine": 0.25, "cosine_worst": 0.125, "tar": 0.75}
    return {
        "step": step,
        "degrade": fault,
        "share_done": 1.0,
        "off": values,
        "on": {name: value / 2 for name, value in values.items()},
        "both": {"tar": 1.0},
    }


def test_a_step_writes_its_own_rows_and_leaves_the_others() -> None:
    before = rows_under(TEXT, headers.BY_STEP)
    written = rows.by_step(TEXT, {"rows": [restored("lime", "dark:5")]})
    changed = [new for old, new in zip(before, written, strict=True) if old != new]
    figures = ["20.0 > 10.0", "0.500 > 0.250", "0.250 > 0.125", "0.125 > 0.062", "0.750 > 0.375"]
    assert changed == [["lime", "dark:5", "1.00", *figures, "1.000"]]


def test_rates_of_groups_are_told_with_their_bounds() -> None:
    one = {"matches": 1234, "pairs": 5_000_000, "fmr": 2.468e-4, "low": 1e-4, "high": 4e-4}
    labels = [cells[0] for cells in rows_under(TEXT, headers.FAIR)]
    groups = [one | {"group": label} for label in labels]
    answer = {
        "all": one,
        "by": {kind: {"within": one, "across": one, "groups": groups} for kind in ("sex", "skin", "age")},
    }
    told = {cells[0]: cells[1:] for cells in rows.fair(TEXT, answer)}
    assert told["all"] == ["1,234 / 5,000,000", "2.47 (1.00 to 4.00)"]
    assert told["skin: within; across"] == ["1,234; 1,234", "2.47; 2.47"]


def test_rates_of_single_pictures_stand_fault_by_fault_behind_their_limits() -> None:
    names = [cells[0] for cells in rows_under(TEXT, headers.SINGLE)]
    one = {"of_a_track": 0.5, "of_one_picture": 0.5219, "fpir": 0.0017, "fnir": 0.25}
    other = one | {"fpir": 0.0, "fnir": 0.125}
    written = rows.single(TEXT, {"rows": {"clean": dict.fromkeys(names, one), "dark:5": dict.fromkeys(names, other)}})
    before = rows_under(TEXT, headers.SINGLE)
    assert written == [[old[0], ".500 / .522", old[2], ".0017, 0", ".250, .125"] for old in before]


def test_faults_that_became_families_keep_what_was_before() -> None:
    before = rows_under(TEXT, headers.DRAWN)
    found = [{"degrade": cells[0], "accuracy": 0.5, "tar": {"1e-2": 0.25}, "num_without_face": 99} for cells in before]
    for old, new in zip(before, rows.drawn(TEXT, {"rows": found}), strict=True):
        assert new == [old[0], old[1], "0.500 / 0.250", old[3], "99 / " + old[4].split(" / ")[1]]


def measured_as_written() -> list[dict[str, Any]]:
    """Answers to `pairs`, `identify` and `detect` with other figures than the document's."""
    rates = {"accuracy": 0.5, "tar": {"1e-2": 0.25}}
    pairs = [rates | {"degrade": name} for name in answers.faults_of(headers.WHO)]
    misses = [{"fnir": {"0.01": 0.125}} for _ in headers.columns(headers.NAMED)]
    found = {"average_precision": 0.75, "landmark_error_to_peer": 0.1, "landmark_error": 0.1}
    detect = [
        found | {"degrade": n, "detector": who} for n in headers.columns(headers.WHERE) for who in ("ours", "yunet")
    ]
    clip = {"num_peer_sure_found": 7, "num_peer_sure": 9, "num_clutter": 1, "num_frames": 20}
    return [
        {"rows": pairs, "peer": pairs},
        {"rows": misses, "peer": misses},
        {"rows": detect, "footage": [clip] * len(answers.FOOTAGE)},
    ]


def test_figures_without_vnni_stand_beside_those_with_it() -> None:
    made = kinds.both(TEXT, *measured_as_written())
    assert [cells[2] for cells in made][: len(answers.faults_of(headers.WHO))] == [
        cells[1] for cells in rows_under(TEXT, headers.WHO)
    ]
    last = {cells[0]: cells[3] for cells in made}
    assert list(last.values()) == ["0.500 / 0.250", ".125", ".750", "7 of 9; 1"]
    assert len(made) == len(rows_under(TEXT, headers.BOTH_KINDS))


@pytest.mark.parametrize(("with_vnni", "changed"), [(True, headers.WHO), (False, headers.BOTH_KINDS)])
def test_a_processor_of_one_kind_writes_only_the_tables_of_its_kind(
    with_vnni: bool, changed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "measured.md"
    document.write_text(TEXT, "utf-8")
    known = dict(zip(kinds.ANSWERS, measured_as_written(), strict=True))
    monkeypatch.setattr(answers, "DOCUMENT", document)
    monkeypatch.setattr(answers, "read", known.get)
    monkeypatch.setattr(kinds, "has_vnni", lambda: with_vnni)
    command.write()
    text = document.read_text("utf-8")
    of_vnni = [header for _, header, _ in rows.WRITERS]
    differ = [h for h in (*of_vnni, headers.BOTH_KINDS) if rows_under(text, h) != rows_under(TEXT, h)]
    assert changed in differ
    assert (headers.BOTH_KINDS in differ) is not with_vnni
    assert with_vnni or differ == [headers.BOTH_KINDS]


def test_the_embedders_card_and_the_document_tell_the_same() -> None:
    """Both are made from the same answers; a detector that came later once changed only the document."""
    models = manifest.read(answers.MODELS)["models"]
    pairs, never, groups = (
        next(one["rows"] for one in card if one["what"].startswith(begin))
        for card in [next(one for one in models if one["task"] == "embed" and one["default"])["scores"]["tables"]]
        for begin in ("600 pairs", "Faults that no training drew", "False matches")
    )
    document = {name: ours for name, ours, *_ in rows_under(TEXT, headers.WHO)}
    assert {name: f"{row['int8 accuracy']:.3f} / {row['int8 TAR']:.3f}" for name, row in pairs.items()} == {
        name: document[name] for name in pairs
    }
    kept = [
        [f"{row[f'{side} accuracy']:.3f} / {row[f'{side} TAR']:.3f}" for side in ("ours", "public")]
        for row in never.values()
    ]
    assert kept == [cells[1:3] for cells in rows_under(TEXT, headers.NEVER)]
    counts = [cells[1] for cells in rows_under(TEXT, headers.FAIR) if ";" not in cells[0]]
    alone = [row for name, row in groups.items() if ":" in name or name == "all pairs"]
    assert counts == [f"{row['false matches']:,} / {row['pairs']:,}" for row in alone]
