"""`edge process`: opens the watchlist, runs the clips through `offline.clips`, and writes the results."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge import __version__
from edge.app.build import Models, load_active_list, load_models
from edge.app.offline import clips, lines
from edge.app.offline.contents import find_clips, passed_over
from edge.app.offline.degrader import Degradation
from edge.app.offline.report import write_reports
from edge.app.people.people import temporary_people
from edge.app.people.transfer import import_people
from edge.config import Config
from edge.errors import StoreError
from edge.names import printable
from edge.pipeline import ActiveList
from edge.pipeline.limits import limits_of, still_limits_of
from edge.pixels.encode import to_png
from edge.store import Store

REPORT = "report.html"
LARGE_FRAME_PX = 1280
FOUND_PX = 16
"""Least width of a face, in px of what the detector looks at, that is found as a rule (docs/measured.md)."""
_CROP = re.compile(r"[0-9a-f-]{36}_(?:found\.png|enhanced\.png|enrolled\.png|frame\.jpg)", re.ASCII)


@dataclass(frozen=True, slots=True)
class _SearchedPeople:
    active_list: ActiveList
    store: Store
    notes: tuple[str, ...] = ()
    """What of the folder of people was passed over or refused."""

    def picture(self, sha256: str) -> bytes | None:
        path = self.store.image_path(sha256)
        return path.read_bytes() if path else None


def expected_frames_of(source: Path) -> int | None:
    """About how many frames `process_files` goes through; None where a file doesn't say."""
    return lines.expected_frames_of(clip.path for clip in find_clips(source))


def process_files(
    config: Config,
    source: Path,
    out: Path,
    *,
    watchlist: Path | None,
    degradation: str | None,
    progress: clips.Progress | None = None,
    enrolling: Callable[[int, int], None] | None = None,
    reports: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Process `source` and write everything under `out`; returns a JSON-ready summary.

    `progress` is told of every frame, `enrolling` how many people of how many of `watchlist` are enrolled. `reports`:
    language by name of the file; left out, one in the site's language.
    """
    found = find_clips(source)
    fault = Degradation.parse(degradation) if degradation else None
    _make_folder(out)
    models = load_models(config)
    with _open_watchlist(config, models, watchlist, enrolling) as people:
        results = list(clips.process(config, models, people.active_list, found, degradation=fault, progress=progress))
        references = {}
        for result in results:
            for draft in result.drafts.values():
                sha256 = draft.hit.images.reference
                references[sha256] = people.picture(sha256) or b""
        _write(out, results, references)
        facts = _facts(source, config, models, people.active_list, fault)
        facts["limits"] = _limits_used(config, people.active_list, results)
        write_reports(out, reports or {REPORT: config.site.language}, results, references, facts)
        notes = [*people.notes, *passed_over(source), *_searched_coarsely(config, results)]
    return {**_summary(results, out), "notes": notes}


def _searched_coarsely(config: Config, results: list[clips.ClipResult]) -> list[str]:
    """A sentence where a recording's frames are much larger than what the detector looked at."""
    large = [max(result.size) for result in results if not result.is_stills and max(result.size) > LARGE_FRAME_PX]
    if not large or config.detect.tiles > 1 or config.detect.max_side_px >= LARGE_FRAME_PX:
        return []
    least = round(FOUND_PX * max(large) / config.detect.max_side_px)
    return [
        f"Frames of {max(large)} px were searched whole, shrunk to {config.detect.max_side_px} px: faces narrower than "
        f"about {least} px may have been missed. A live camera also searches where something moves. To find far faces "
        "in files, set tiles = 2 under [detect] (five times the work of the search), or 3 or 4"
    ]


@contextlib.contextmanager
def _open_watchlist(
    config: Config, models: Models, watchlist: Path | None, enrolling: Callable[[int, int], None] | None
) -> Iterator[_SearchedPeople]:
    """The people enrolled on this appliance, or those of a folder, enrolled for this run alone."""
    if watchlist is None:
        if not (config.data_dir / "edge.db").is_file():
            yield from _enrolled_for_this_run(models, None, None)
            return
        with Store.open(config.data_dir) as store:
            yield _SearchedPeople(load_active_list(store, models), store)
        return
    yield from _enrolled_for_this_run(models, watchlist, enrolling)


def _enrolled_for_this_run(
    models: Models, watchlist: Path | None, enrolling: Callable[[int, int], None] | None
) -> Iterator[_SearchedPeople]:
    with temporary_people(models) as people:
        notes: list[str] = []
        if watchlist is not None:
            done = import_people(people, watchlist, progress=enrolling)
            notes = done.lines()
        yield _SearchedPeople(load_active_list(people.store, models), people.store, tuple(notes))


def _make_folder(out: Path) -> None:
    try:
        (out / "crops").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{out}: can't be made ({error.strerror}); give a folder that can be written with --out"
        ) from None


def _write(out: Path, results: list[clips.ClipResult], references: dict[str, bytes]) -> None:
    """Write lines and pictures; pictures of an earlier run into the same folder go, for its lines go, too."""
    try:
        for old in (out / "crops").iterdir():
            if _CROP.fullmatch(old.name):
                old.unlink()
        (out / "hits.jsonl").write_text("".join(f"{line}\n" for line in clips.hit_lines(results)), "utf-8")
        (out / "tracks.jsonl").write_text("".join(f"{line}\n" for line in clips.track_lines(results)), "utf-8")
        for result in results:
            for hit_id, draft in result.drafts.items():
                pictures = {"enrolled": references[draft.hit.images.reference]}
                if draft.shown is not None:
                    pictures["found"] = to_png(draft.shown.found)
                if draft.shown is not None and draft.shown.enhanced_png is not None:
                    pictures["enhanced"] = draft.shown.enhanced_png
                if hit_id in result.frame_files:
                    (out / "crops" / f"{hit_id}_frame.jpg").write_bytes(result.frame_files[hit_id])
                for what, data in pictures.items():
                    (out / "crops" / f"{hit_id}_{what}.png").write_bytes(data)
    except OSError as error:
        raise StoreError(f"{out}: can't be written ({error.strerror}); free some space or give another --out") from None


def _facts(
    source: Path, config: Config, models: Models, active_list: ActiveList, fault: Degradation | None
) -> dict[str, Any]:
    return {
        "source": printable(source.name),
        "people": len(active_list.people),
        "degraded": fault.text if fault else None,
        "version": __version__,
        "list_version": active_list.version,
        "list_digest": active_list.digest[:16],
        "mode": config.enhance.mode,
        "models": {task: about for task, about in models.descriptions.items() if "sha256" in about},
    }


def _limits_used(config: Config, active_list: ActiveList, results: list[clips.ClipResult]) -> list[dict[str, Any]]:
    """The limits that faces were held against, once for recordings and once for single pictures, by kind of picture."""
    used = []
    for is_stills, of in ((False, limits_of), (True, still_limits_of)):
        if any(result.is_stills == is_stills for result in results):
            used += [{"is_stills": is_stills, "limit": limit} for limit in of(config.recognise, active_list).values()]
    return used


def _summary(results: list[clips.ClipResult], out: Path) -> dict[str, Any]:
    return {
        "out": printable(out),
        "report": printable(out / REPORT),
        "clips": [
            {
                "clip": result.clip.camera,
                "frames": result.frames,
                "one_picture": result.is_stills,
                "detections": result.faces,
                "tracks": len(result.ended),
                "problem": result.problem,
                "hits": [
                    {
                        "hit_id": hit_id,
                        "person_id": draft.hit.person.person_id,
                        "name": draft.hit.person.name,
                        "similarity": draft.hit.similarity,
                        "margin": draft.hit.margin,
                    }
                    for hit_id, draft in result.drafts.items()
                ],
            }
            for result in results
        ],
    }
