"""The table that holds a processor without VNNI against one with it.

Their int8 kernels differ. All other tables of the document are measured with VNNI; this one stands beside them.
"""

from __future__ import annotations

from edge.ops.system.processor import processor
from tools.figures import answers, headers, rows
from tools.figures.answers import Answer
from tools.figures.tables import Rows, rows_under

VNNI = {"avx_vnni", "avx512_vnni"}
ANSWERS = ("pairs", "identify", "detect")
Figures = dict[tuple[str, str], str]
"""Cell by figure and fault or clip."""


def has_vnni() -> bool:
    """Whether this processor adds products of 8-bit numbers in 32 bits at once."""
    return bool(VNNI & set(processor()["features"]))


def written(text: str) -> Rows | None:
    """The rows by the answers that are kept; None where one of them is missing."""
    found = [answer for answer in map(answers.read, ANSWERS) if answer is not None]
    return both(text, *found) if len(found) == len(ANSWERS) else None


def both(text: str, pairs: Answer, identify: Answer, detect: Answer) -> Rows:
    """What the tables of the document say of a processor with VNNI, and what was measured on this one."""
    above = (rows_under(text, one) for one in (headers.WHO, headers.NAMED, headers.WHERE, headers.ON_FOOTAGE))
    here = rows.who(text, pairs), rows.named(text, identify), rows.where(text, detect), rows.footage(text, detect)
    measured = _ours(*here)
    return [[*name, cell, measured[name]] for name, cell in _ours(*above).items()]


def _ours(who: Rows, named: Rows, where: Rows, footage: Rows) -> Figures:
    """What four tables say of our own models."""
    identified = [cell.split(" / ")[0] for cell in named[0]]
    return {
        **{("accuracy / TAR at FMR 1e-2", cells[0]): cells[1] for cells in who},
        **{("FNIR at FPIR 1e-2", n): c for n, c in zip(headers.columns(headers.NAMED), identified, strict=True)},
        **{("average precision", n): c for n, c in zip(headers.columns(headers.WHERE), where[0][1:], strict=True)},
        **{("sure faces found; places where YuNet sees nothing", cells[0]): "; ".join(cells[1:3]) for cells in footage},
    }
