"""The report of `edge process`: one self-contained HTML page per language. A stranger's picture is never in it."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.app.offline.clips import ClipResult, faces_of
from edge.errors import ImageError
from edge.pipeline import HitDraft
from edge.pixels.encode import to_png
from edge.pixels.measures import metrics
from edge.pixels.resize import resize
from edge.serve.page.wording.environment import make_environment
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.zone import SiteZone

# A track is drawn on a map of this width, whatever the frame's size.
_MAP_WIDTH = 320
_COLORS = ("#7cc4ff", "#ffd27c", "#9be7a0", "#f2a0c9", "#c4b0ff", "#ff9f80", "#8fe3de", "#d8d8d8")
MATCH = "match"
"""Outcome of a track that has no reason against it."""


@dataclass(frozen=True, slots=True)
class AgainstClean:
    """A face measured against the same place of the frame before it was degraded; `problem` where that can't be."""

    key: str
    psnr_db: float = 0.0
    ssim: float = 0.0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class HitView:
    """One hit as the report shows it, in no language yet."""

    draft: HitDraft
    found: str
    enhanced: str | None
    enrolled: str | None
    against_clean: tuple[AgainstClean, ...]


def write_reports(
    out: Path,
    languages: Mapping[str, str],
    results: Sequence[ClipResult],
    references: Mapping[str, bytes],
    facts: Mapping[str, Any],
) -> None:
    """Write each file of `languages` in its language; `references`: file bytes of enrolled pictures by SHA-256."""
    clips = [
        {
            "result": result,
            "hits": [_view(draft, references, result.clean.get(hit_id)) for hit_id, draft in result.drafts.items()],
            "outcomes": Counter(end.reason.value if end.reason else MATCH for end in result.ended),
            "map": _track_map(result),
            "faces": [face for face in faces_of(result) if face["seen"]],
        }
        for result in results
    ]
    for name, language in languages.items():
        template = make_environment("edge.app.offline", Translate(language), SiteZone()).get_template("report.html")
        (out / name).write_text(template.render(clips=clips, facts=facts), encoding="utf-8")


def data_url(data: bytes) -> str:
    """File bytes as a data: address, so that the page needs no other file."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _view(draft: HitDraft, references: Mapping[str, bytes], clean: Any) -> HitView:
    assert draft.shown is not None, "offline runs take up no hit of an earlier run"
    found, enhanced = draft.shown.found, draft.shown.enhanced
    measured = []
    if clean is not None and clean.shape == found.shape:
        measured.append(_against_clean("found", found, clean))
        if enhanced is not None:
            same_size = resize(enhanced, *clean.shape[:2]) if enhanced.shape != clean.shape else enhanced
            measured.append(_against_clean("enhanced", same_size, clean))
    enrolled = references.get(draft.hit.images.reference)
    return HitView(
        draft=draft,
        found=data_url(to_png(found)),
        enhanced=data_url(draft.shown.enhanced_png or to_png(enhanced)) if enhanced is not None else None,
        enrolled=data_url(enrolled) if enrolled else None,
        against_clean=tuple(measured),
    )


def _against_clean(key: str, image: Any, clean: Any) -> AgainstClean:
    try:
        return AgainstClean(key, metrics.psnr(image, clean), metrics.ssim(image, clean))
    except ImageError as error:
        return AgainstClean(key, problem=str(error))


def _track_map(result: ClipResult) -> dict[str, Any]:
    """The paths of the tracks as SVG lines, without frame and faces: enough to judge the tracking."""
    width, height = result.size
    scale = _MAP_WIDTH / width if width else 1.0
    lines = []
    ends = {end.track.track_id: end for end in result.ended}
    for track_id, points in sorted(result.paths.items()):
        end = ends.get(track_id)
        if end is None or end.track.num_seen < 3:
            continue
        lines.append(
            {
                "color": _COLORS[track_id % len(_COLORS)],
                "points": " ".join(f"{x * scale:.1f},{y * scale:.1f}" for x, y in points),
                "number": track_id,
                "num_seen": end.track.num_seen,
                "outcome": end.reason.value if end.reason else MATCH,
            }
        )
    return {"width": _MAP_WIDTH, "height": max(int(height * scale), 1), "lines": lines}
