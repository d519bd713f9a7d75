"""The report of `edge process`: one self-contained HTML page. A stranger's picture is never in it."""

from __future__ import annotations

import base64
import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from edge.app.offline.clips import ClipResult
from edge.errors import ImageError
from edge.pipeline import HitDraft
from edge.pipeline.stills import ONE_PICTURE
from edge.pixels import metrics
from edge.pixels.encode import to_png
from edge.pixels.resize import resize
from edge.records import Hit

# A track is drawn on a map of this width, whatever the frame's size.
_MAP_WIDTH = 320
_COLORS = ("#7cc4ff", "#ffd27c", "#9be7a0", "#f2a0c9", "#c4b0ff", "#ff9f80", "#8fe3de", "#d8d8d8")


@dataclass(frozen=True, slots=True)
class HitView:
    """One hit as the report shows it."""

    draft: HitDraft
    found: str
    enhanced: str | None
    enrolled: str | None
    numbers: tuple[tuple[str, str], ...]


def write_report(
    path: Path, results: Sequence[ClipResult], references: Mapping[str, bytes], facts: Mapping[str, Any]
) -> None:
    """Write `report.html`; `references` holds the enrolled pictures' file bytes by SHA-256."""
    env = Environment(loader=PackageLoader("edge.app.offline"), autoescape=True, undefined=StrictUndefined)
    clips = [
        {
            "result": result,
            "hits": [_view(draft, references, result.clean.get(hit_id)) for hit_id, draft in result.drafts.items()],
            "outcomes": Counter(end.reason.value if end.reason else "match" for end in result.ended),
            "map": _track_map(result),
        }
        for result in results
    ]
    html = env.get_template("report.html").render(clips=clips, facts=facts, seconds=_seconds)
    path.write_text(html, encoding="utf-8")


def data_url(data: bytes) -> str:
    """File bytes as a data: address, so that the page needs no other file."""
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _view(draft: HitDraft, references: Mapping[str, bytes], clean: Any) -> HitView:
    hit, quality = draft.hit, draft.hit.quality
    assert draft.shown is not None, "offline runs take up no hit of an earlier run"
    found, enhanced = draft.shown.found, draft.shown.enhanced
    numbers = [
        ("similarity", f"{hit.similarity:.3f}"),
        ("margin to the runner-up", f"{hit.margin:.3f}" + (f" ({hit.runner_up_id})" if hit.runner_up_id else "")),
        ("false alerts expected", hit.expected_false_alerts),
        ("seen", _seen(hit)),
        ("eye distance", f"{quality['eye_distance_px']:.0f} px"),
        ("quality", f"{quality['score']:.0f} of 100 over {quality['num_shots']} shots"),
    ]
    if hit.similarity_enhanced is not None:
        numbers.append(("similarity of the enhanced face", f"{hit.similarity_enhanced:.3f}"))
    numbers += _face_comparison(hit.enhancement)
    if clean is not None and clean.shape == found.shape:
        numbers.append(("found, against the clean frame", _psnr_ssim(found, clean)))
        if enhanced is not None:
            same_size = resize(enhanced, *clean.shape[:2]) if enhanced.shape != clean.shape else enhanced
            numbers.append(("enhanced, against the clean frame", _psnr_ssim(same_size, clean)))
    enrolled = references.get(hit.images.reference)
    return HitView(
        draft=draft,
        found=data_url(to_png(found)),
        enhanced=data_url(to_png(enhanced)) if enhanced is not None else None,
        enrolled=data_url(enrolled) if enrolled else None,
        numbers=tuple(numbers),
    )


def _seen(hit: Hit) -> str:
    if hit.decision.get("timing") == ONE_PICTURE:
        return "one picture, judged by the limits of a single picture"
    return f"{hit.visit.seen_count} frames, {_seconds(hit.visit.first_at)} to {_seconds(hit.visit.last_at)} s"


def _face_comparison(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which face the match rests on, and whether the two disagree."""
    rests = {
        "original": "the face as found; the enhanced one is for comparison only",
        "both": "both; the face as found alone would have been enough",
        "enhanced": "the enhanced face: as found alone it would not have been enough",
    }
    lines = [("the match rests on", rests[told["found_on"]])] if told.get("found_on") in rests else []
    if told.get("disagrees"):
        lines.append(("the two faces disagree", f"by {told['difference']:+.3f}; beyond {told['limit']:.3f} is unusual"))
    return lines


def _psnr_ssim(image: Any, clean: Any) -> str:
    try:
        return f"PSNR {metrics.psnr(image, clean):.1f} dB, SSIM {metrics.ssim(image, clean):.3f}"
    except ImageError as error:
        return str(error)


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
        outcome = end.reason.value if end.reason else "match"
        lines.append(
            {
                "color": _COLORS[track_id % len(_COLORS)],
                "points": " ".join(f"{x * scale:.1f},{y * scale:.1f}" for x, y in points),
                "title": f"track {track_id}: {end.track.num_seen} frames, {outcome}",
            }
        )
    return {"width": _MAP_WIDTH, "height": max(int(height * scale), 1), "lines": lines}


def _seconds(at: dt.datetime) -> str:
    return f"{at.timestamp():.1f}"
