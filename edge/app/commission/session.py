"""A commissioning from its first frame to its sheet, from recorded clips and live frames alike."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from edge import __version__
from edge.app.build import Models, box_id_of, load_active_list, load_models
from edge.app.commission.distances import DistanceSource, Pinhole
from edge.app.commission.findings import MIN_SIGHTINGS, Findings, judge_walk
from edge.app.commission.sheet import Facts, Paper, make_sheet
from edge.app.commission.walk import Walk
from edge.app.health.accepted import accepted_of, write_accepted
from edge.app.people.people import enrol_or_raise, temporary_people
from edge.capture.sources import open_path
from edge.config import Config
from edge.errors import ImageError, NotFoundError, StoreError
from edge.ops.release.signing import device_key
from edge.ops.system.clock import clock_facts
from edge.records import Person
from edge.serve.page.wording.zone import SiteZone
from edge.store import Store
from edge.store.audit.audit import LOCAL
from edge.watchlist.entry import ListEntry

WALKER = "walker"
"""Id of a walker who is not on the list and is enrolled for this run alone."""

DistancesOf = Callable[[int], DistanceSource]
"""Makes the source of distances, given the width of the frames in px."""


class WalkSession:
    """One walk from its first frame to its sheet."""

    def __init__(self, config: Config, models: Models, store: Store, person_id: str) -> None:
        self.config = config
        self.models = models
        self.box_id = box_id_of(config, store)
        active_list = load_active_list(store, models, config.watchlist.max_age_days)
        if person_id not in active_list.people:
            # Names nobody: whoever walks, such as an installer, may not see the list.
            raise NotFoundError(f"{person_id!r} is not on the list; enrol the walker with `edge enrol`")
        if not any(one.person_id == person_id for one in active_list.references.values()):
            raise NotFoundError(f"{person_id!r} has no picture of the embedder in use; run `edge watchlist reembed`")
        self.walk = Walk(config, models, active_list, person_id)
        self.size = (0, 0)
        self.distances: DistanceSource | None = None

    def measure_clip(
        self, clip: Path, distances_of: DistancesOf, light: str, progress: Callable[[int], None] | None = None
    ) -> None:
        """Walk through a recorded clip; raises ImageError where it can't be read."""
        self.walk.begin_segment()
        with open_path(clip) as source:
            for number, frame in enumerate(source.frames()):
                if self.distances is None or number == 0:
                    self.size = (frame.image.shape[1], frame.image.shape[0])
                    self.distances = distances_of(self.size[0])
                self.walk.add_frame(frame.image, frame.time_s(number), self.distances, light=light)
                if progress:
                    progress(number + 1)

    def findings(self, measuring: tuple[str, int] | None = None) -> Findings:
        """Return the findings so far; of the light and metres being measured only where faces were seen already."""
        walk = self.walk
        walked = {at for at, frames in walk.frames_at.copy().items() if frames >= MIN_SIGHTINGS and at != measuring}
        return judge_walk(walk.sightings, walk.person_id, walk.active_list, self.config.recognise, walked)

    def finish(self, camera: str, language: str | None = None) -> tuple[Findings, bytes]:
        """Findings and signed sheet, in the site's language if in no other; ImageError where nobody was seen."""
        findings = self.findings()
        if not any(row.count >= MIN_SIGHTINGS for row in findings.rows):
            frames, lost = self.walk.num_frames, self.walk.num_without_distance
            raise ImageError(
                f"there is nothing for a sheet: {frames} frames, {len(self.walk.sightings)} faces at a known distance, "
                f"{lost} at an unknown one; walk slowly, face the camera, and check the marks"
            )
        clock = clock_facts()
        active_list = self.walk.active_list
        facts = Facts(
            box_id=self.box_id,
            version=__version__,
            at=dt.datetime.now(dt.UTC),
            is_clock_synced=bool(clock["synced"]),
            camera=camera,
            size=self.size,
            person_id=self.walk.person_id,
            distances=self.distances,
            people=len(active_list.people),
            list_digest=active_list.digest[:12],
            models={task: self.models.hashes[task] for task in ("detect", "embed")},
            frames=self.walk.num_frames,
        )
        paper = Paper(language or self.config.site.language, SiteZone(self.config.site.time_zone))
        return findings, make_sheet(findings, facts, paper, device_key(self.config.data_dir))


def keep_accepted(config: Config, camera: str, findings: Findings) -> bool:
    """Keep what a configured camera was accepted with, for the drift of later days; StoreError. Returns whether it was.

    Not where the walker was recognised nowhere: that is nothing to be held against.
    """
    accepted = accepted_of(findings.rows, dt.datetime.now(dt.UTC))
    if accepted is None or camera not in {one.name for one in config.camera}:
        return False
    try:
        write_accepted(config.data_dir, camera, accepted)
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"what {camera} was accepted with can't be kept in {config.data_dir} ({why})") from None
    return True


@contextmanager
def open_session(config: Config, person_id: str | None, walker: Sequence[Path] = ()) -> Iterator[WalkSession]:
    """Open a walk with the appliance's list, or with one person enrolled for this walk from the pictures in `walker`.

    Without `person_id` the only person on the list walks.
    """
    models = load_models(config)
    if walker:
        with temporary_people(models) as alone:
            entry = ListEntry(Person(WALKER, "Walker", "commissioning"), tuple(walker))
            enrol_or_raise(alone, entry, by=LOCAL)
            made = WalkSession(config, models, alone.store, WALKER)
        if (config.data_dir / "edge.db").is_file():
            with Store.open(config.data_dir) as store:
                made.box_id = box_id_of(config, store)
        yield made
        return
    with Store.open(config.data_dir) as store:
        people = store.people()
        if person_id is None and len(people) != 1:
            raise NotFoundError(
                f"{len(people)} people are on the list; say who walks with --person ID, or --walker PICTURE"
            )
        yield WalkSession(config, models, store, person_id or people[0].person_id)


def pinhole_of(focal_px: float | None, hfov_deg: float | None) -> DistancesOf:
    """Return what makes the pinhole model once the width of the frames is known."""
    return lambda width: Pinhole.of(width, focal_px=focal_px, hfov_deg=hfov_deg)
