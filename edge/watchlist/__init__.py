"""People looked for: enrolment checks, gallery search, import and export, and what a setting costs in false alerts.

    gallery         all reference embeddings, searchable; immutable, replaced whole
    entry           one person as received, the outcome, and the rule for new ids
    picture_checks  whether a picture may become a reference
    video_frames    which frames of a video should
    look_alikes     who on one list looks like somebody else on it
    classic         Dataset/<class>/<images> beside a JSON list
    listing         the JSON list beside it, told from other JSON
    name_pairs      which folder belongs to which entry of the list
    archive         our own export: people.json and pictures in one zip or folder
    strangers       people who don't exist: embeddings drawn from the spread of real ones
    calibration     those strangers against this list
    tail            the distribution fitted to the strangers' similarities
    margin          chooses the lead over the runner-up
    false_alerts    how often a stranger would match at this setting

Nothing here opens a model, a camera or a database, or decodes a picture: callers pass what it needs.
"""

from edge.watchlist.archive import Archive, write_archive
from edge.watchlist.classic import ListedPerson, read_classic
from edge.watchlist.false_alerts import expected_false_alerts
from edge.watchlist.gallery import Gallery, Ranked
from edge.watchlist.picture_checks import (
    Candidate,
    EnrolLimits,
    OtherPeople,
    PictureCheck,
    RefusalReason,
    check_pictures,
)
from edge.watchlist.video_frames import choose_best

__all__ = [
    "Archive",
    "Candidate",
    "EnrolLimits",
    "Gallery",
    "ListedPerson",
    "OtherPeople",
    "PictureCheck",
    "Ranked",
    "RefusalReason",
    "check_pictures",
    "choose_best",
    "expected_false_alerts",
    "read_classic",
    "write_archive",
]
