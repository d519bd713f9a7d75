"""The tables of docs/measured.md are found and written by what `tools.figures` measured."""

from __future__ import annotations

from typing import Any

import pytest

from tools.figures import answers, headers, rows
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
