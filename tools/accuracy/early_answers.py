"""False alerts of early answers, at the shipped limits: `python -m tools.accuracy.early_answers --degrade cctv:3`.

People of the held-out list are enrolled with two clean pictures. Strangers come as one shot, and as two shots of the
same picture under faults drawn anew, as two frames of one approach are: an early answer may rest on one shot, or on two
that name the same person each by themselves. Beside it: the same for people on the list, and for four shots.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.app.build import load_models
from edge.app.evaluation.accuracy import read_people
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.evaluate.identify import Split, split_people
from edge.evaluate.pairs import Picture, degraded, main_face
from edge.pipeline.active_list import ActiveList
from edge.pipeline.limits import MatchLimits, limits_of
from edge.pixels.faces.geometry import align
from edge.recognise import decide, fuse
from edge.records import Person, Reference
from edge.watchlist.calibration import calibrate
from edge.watchlist.gallery import Gallery
from tools.data import DATA

SHOTS = 4
"""Shots of each picture, each under a fault drawn anew; as many as a regular answer needs."""
UPPER = 3.0
"""Where nothing was seen, the 95 % bound is three divided by the number of tries."""


class Probes:
    """The shots of pictures, embedded as the product does; None where no face was found in any."""

    def __init__(self, images: Path, config: Config) -> None:
        self.images = images
        self.models = load_models(config)
        self.config = config

    def embed(self, picture: Picture, fault: str, seed: int) -> NDArray[np.float32] | None:
        """The largest face of one shot."""
        stages = self.models.stages
        file = self.images / picture.person / f"{picture.person}_{picture.number:04d}.jpg"
        image = degraded(read_image(file), fault, picture, seed)
        found = stages.detector.detect(image)
        face = main_face(found, image)
        return None if face is None else stages.embedder.embed(align(image, found.landmarks[face])[np.newaxis])[0]

    def shots(self, picture: Picture, fault: str) -> list[NDArray[np.float32]]:
        """The shots of a picture that show a face; a clean picture has the same each time."""
        seeds = range(1 if fault == "clean" else SHOTS)
        return [vector for seed in seeds if (vector := self.embed(picture, fault, seed)) is not None]


def listed(probes: Probes, pictures: Sequence[Picture]) -> ActiveList:
    """The list as the service has it, with its calibration."""
    embedder = probes.models.stages.embedder
    references = []
    for picture in pictures:
        vector = probes.embed(picture, "clean", 0)
        if vector is not None:
            name = f"{picture.person}-{picture.number}"
            references.append(Reference(name, picture.person, "", vector, embedder.sha256, {}, name))
    people = [Person(name, name, "listed") for name in sorted({one.person_id for one in references})]
    active = ActiveList.of(people, references, 1, "")
    made = calibrate(active.gallery, probes.models.strangers, probes.models.min_margin)
    return replace(active, calibration=made)


def answers(gallery: Gallery, limit: MatchLimits, shots: Sequence[NDArray[np.float32]]) -> dict[str, str | None]:
    """Whom each rule names."""

    def name(number: int) -> tuple[str | None, float]:
        match = decide(gallery.search(fuse(np.stack(shots[:number])), limit=2), limit)
        return match.person_id, match.similarity

    one, alone = name(1)
    found: dict[str, str | None] = {"one": one if alone >= limit.early_similarity else None}
    if len(shots) > 1:
        both, sure = name(2)
        each = {decide(gallery.search(shot, limit=2), limit).person_id for shot in shots[:2]}
        found["two"] = both if sure >= limit.early_similarity else None
        found["two that agree"] = found["two"] if each == {both} else None
    if len(shots) >= SHOTS:
        found["regular"] = name(SHOTS)[0]
    return found


def measure(
    probes: Probes, parts: Split, active: ActiveList, limit: MatchLimits, fault: str
) -> dict[str, dict[str, int]]:
    """By rule: named among strangers (FPIR), and right and wrong names among people on the list."""
    counts: dict[str, dict[str, int]] = {}
    for kind, pictures in (("strangers", parts.strangers), ("listed", parts.genuine)):
        for picture in pictures:
            shots = probes.shots(picture, fault)
            for rule, person in answers(active.gallery, limit, shots).items() if shots else ():
                row = counts.setdefault(rule, dict.fromkeys(("strangers", "named", "listed", "right", "wrong"), 0))
                row[kind] += 1
                if kind == "strangers":
                    row["named"] += person is not None
                else:
                    row["right"] += person == picture.person
                    row["wrong"] += person not in (None, picture.person)
    return counts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, default=DATA / "faces" / "lfw" / "images")
    parser.add_argument("--people", type=Path, default=DATA / "faces" / "lfw" / "people_dev.txt")
    parser.add_argument("--degrade", action="append")
    given = parser.parse_args()
    probes = Probes(given.images, Config())
    parts = split_people(given.images, read_people(given.people))
    active = listed(probes, parts.enrolled)
    limit = limits_of(probes.config.recognise, active)["color"]
    print(
        f"{len(active.people)} people; early from {limit.early_similarity:.3f}, regular from {limit.min_similarity}, "
        f"margin {limit.min_margin}",
        flush=True,
    )
    for fault in given.degrade or ["clean"]:
        for rule, row in measure(probes, parts, active, limit, fault).items():
            bound = "" if row["named"] else f" (95 % bound {UPPER / row['strangers']:.4f})"
            named = f"{row['named']} of {row['strangers']} strangers, FPIR {row['named'] / row['strangers']:.4f}{bound}"
            right = f"{row['right'] / max(row['listed'], 1):.3f} of {row['listed']} listed named right"
            print(f"{fault:8s} {rule:15s} {named}; {right}, {row['wrong']} wrong", flush=True)


if __name__ == "__main__":
    main()
