"""Answers -> the cells of each table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tools import manifest
from tools.figures import answers, headers
from tools.figures.answers import Answer
from tools.figures.tables import Rows, rows_under


def _short(value: float) -> str:
    return f"{value:.3f}".lstrip("0") if value < 1 else f"{value:.3f}"


def _short4(value: float) -> str:
    return f"{value:.4f}".lstrip("0") if value else "0"


def _by_fault(rows: Sequence[Answer]) -> dict[str, Answer]:
    return {row["degrade"]: row for row in rows}


def _rates(row: Answer) -> str:
    return f"{row['accuracy']:.3f} / {row['tar']['1e-2']:.3f}"


def who(text: str, answer: Answer) -> Rows:
    """Verification beside the public chain; fp32 and MobileFaceNet on the same crops as
    `tools.train.pack recogniser --measure` found them, else the public chain on its own.
    """
    entry = next(one for one in manifest.read(answers.MODELS)["models"] if one["task"] == "embed" and one["default"])
    card = entry["scores"]["tables"][0]["rows"]
    ours, peer, rows = _by_fault(answer["rows"]), _by_fault(answer["peer"]), []
    for name in answers.faults_of(headers.WHO):
        same = card.get(name)
        cells = (
            [f"{same[f'{net} accuracy']:.3f} / {same[f'{net} TAR']:.3f}" for net in ("fp32", "MobileFaceNet")]
            if same
            else ["", _rates(peer[name])]
        )
        rows.append([name, _rates(ours[name]), *cells])
    return rows


def never(text: str, answer: Answer) -> Rows:
    """What no training drew."""
    peer = _by_fault(answer["peer"])
    return [
        [name, _rates(row), _rates(peer[name]), f"{row['num_without_face']} / {peer[name]['num_without_face']}"]
        for name, row in _by_fault(answer["rows"]).items()
    ]


def drawn(text: str, answer: Answer) -> Rows:
    """Faults that have become families; what stands for before and for the public chain stays."""
    ours, rows = _by_fault(answer["rows"]), []
    for name, before, _, peer, missed in rows_under(text, headers.DRAWN):
        faces = f"{ours[name]['num_without_face']} / {missed.split(' / ')[1]}"
        rows.append([name, before, _rates(ours[name]), peer, faces])
    return rows


def where(text: str, answer: Answer) -> Rows:
    """Average precision and landmarks; detectors are named in the answer, the peer last."""
    names = headers.columns(headers.WHERE)
    ours, peer = (
        {r["degrade"]: r for r in answer["rows"] if (r["detector"] == "ours") == own} for own in (True, False)
    )
    labels = [cells[0] for cells in rows_under(text, headers.WHERE)]
    parts = (
        [_short(ours[name]["average_precision"]) for name in names],
        [_short(peer[name]["average_precision"]) for name in names],
        [_short(ours[name]["landmark_error_to_peer"]) for name in names],
        [f"{_short(ours[name]['landmark_error'])} / {_short(peer[name]['landmark_error'])}" for name in names],
    )
    return [[label, *cells] for label, cells in zip(labels, parts, strict=True)]


def footage(text: str, answer: Answer) -> Rows:
    """Real footage."""
    rows = []
    for clip, found in zip(answers.FOOTAGE, answer["footage"], strict=True):
        kept = f"{found['num_peer_sure_found']} of {found['num_peer_sure']}"
        rows.append([f"`{clip}`", kept, str(found["num_clutter"]), f"{found['num_frames']:,}"])
    return rows


def named(text: str, answer: Answer) -> Rows:
    """FNIR at FPIR 1e-2: ours, what stands for the former release, and the peer's."""
    before = [cell.split(" / ")[1] for cell in rows_under(text, headers.NAMED)[0]]
    ours, peer = answer["rows"], answer["peer"]
    return [
        [
            f"{_short(a['fnir']['0.01'])} / {old} / {_short(b['fnir']['0.01'])}"
            for a, old, b in zip(ours, before, peer, strict=True)
        ]
    ]


def _change(row: Answer, key: str, digits: int) -> str:
    return f"{row['off'][key]:.{digits}f} > {row['on'][key]:.{digits}f}"


def eyes(text: str, answer: Answer) -> Rows:
    """What `auto` does, with the standard error of the change."""
    rows = []
    for row in answer["rows"]:
        told = []
        for key, digits, places in (("psnr_db", 1, 2), ("cosine", 3, 4)):
            gain = row["on"][key] - row["off"][key]
            told.append(f"{_change(row, key, digits)} ({gain:+.{places}f} ± {row['chance'][key]:.{places}f})")
        rows.append([row["degrade"], f"{row['share_done']:.2f}", *told, _change(row, "tar", 3)])
    return rows


def enhanced(text: str, answer: Answer) -> Rows:
    """Recognition off against auto."""
    rows = []
    for row in answer["rows"]:
        share = 100 * row["num_enhanced"] / max(row["num_pictures"], 1)
        rates = f"{row['off']['accuracy']:.3f} > {row['accuracy']:.3f}"
        rows.append(
            [row["degrade"], f"{share:.0f} %", rates, f"{row['off']['tar']['1e-2']:.3f} > {row['tar']['1e-2']:.3f}"]
        )
    return rows


def by_step(text: str, answer: Answer) -> Rows:
    """One step by itself: its rows of the table, all others as they stand."""
    found = {(row["step"], row["degrade"]): row for row in answer["rows"]}
    keys = (("psnr_db", 1), ("ssim", 3), ("cosine", 3), ("cosine_worst", 3), ("tar", 3))
    rows = []
    for cells in rows_under(text, headers.BY_STEP):
        row = found.get((cells[0], cells[1]))
        if row is not None:
            told = [_change(row, name, digits) for name, digits in keys]
            cells = [*cells[:2], f"{row['share_done']:.2f}", *told, f"{row['both']['tar']:.3f}"]
        rows.append(cells)
    return rows


def fair(text: str, answer: Answer) -> Rows:
    """False matches within groups and across."""
    named = {"all": answer["all"]}
    for kind, parts in answer["by"].items():
        named |= {f"{kind} {part}": parts[part] for part in ("within", "across")}
        named |= {group["group"]: group for group in parts["groups"]}
    rows = []
    for label, *_ in rows_under(text, headers.FAIR):
        kind, is_pair, _ = label.partition(": within; across")
        if is_pair:
            inside, outside = named[f"{kind} within"], named[f"{kind} across"]
            rates = f"{1e4 * inside['fmr']:.2f}; {1e4 * outside['fmr']:.2f}"
            rows.append([label, f"{inside['matches']:,}; {outside['matches']:,}", rates])
            continue
        one = named[label]
        bounds = f"{1e4 * one['fmr']:.2f} ({1e4 * one['low']:.2f} to {1e4 * one['high']:.2f})"
        rows.append([label, f"{one['matches']:,} / {one['pairs']:,}", bounds])
    return rows


def shots(text: str, answer: Answer) -> Rows:
    """FNIR by the number of fused shots."""
    return [["FNIR", *(_short(row["fnir"]["0.01"]) for row in answer["fused"])]]


def single(text: str, answer: Answer) -> Rows:
    """What single pictures lead to, at each set of limits; what is promised to a track stays as it stands."""
    by_fault, rows = list(answer["rows"].values()), []
    for name, _, promised, *_ in rows_under(text, headers.SINGLE):
        found = [one[name] for one in by_fault]
        limits = f"{found[0]['of_a_track']:.3f} / {found[0]['of_one_picture']:.3f}".replace("0.", ".")
        alerts = ", ".join(_short4(one["fpir"]) for one in found)
        rows.append([name, limits, promised, alerts, ", ".join(_short(one["fnir"]) for one in found)])
    return rows


WRITERS: tuple[tuple[str, str, Callable[[str, Answer], Rows]], ...] = (
    ("pairs", headers.WHO, who),
    ("never", headers.NEVER, never),
    ("drawn", headers.DRAWN, drawn),
    ("detect", headers.WHERE, where),
    ("detect", headers.ON_FOOTAGE, footage),
    ("identify", headers.NAMED, named),
    ("eyes", headers.FOR_EYES, eyes),
    ("enhanced", headers.ENHANCED, enhanced),
    *((f"step_{step}", headers.BY_STEP, by_step) for step in answers.STEPS),
    ("groups", headers.FAIR, fair),
    ("shots", headers.SHOTS, shots),
    ("single", headers.SINGLE, single),
)
"""Answer, header and what makes the rows; the rows under one header may come from several answers."""
