"""What single pictures lead to: FPIR of strangers and FNIR of listed people, through the stages of `edge process`.

`python -m tools.accuracy.single_pictures --degrade clean --degrade cctv:3` prints JSON. People of the LFW development
set are listed with two clean pictures; every further picture of theirs, and every picture of the others, is judged by
itself, with all gates: at the limits of the configuration, and at those calibrated to one false alert in so many
pictures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge.app.build import Models, load_models
from edge.app.evaluation.accuracy import read_people
from edge.app.offline.clips import EPOCH
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.evaluate.identify import Split, split_people
from edge.evaluate.pairs import CLEAN, Picture, degraded, main_face
from edge.pipeline import ActiveList, DeviceFacts
from edge.pipeline.limits import limits_of, still_limits_of
from edge.pipeline.stills import Stills
from edge.pixels.faces.geometry import align
from edge.records import Frame, Person, Reference
from edge.thresholds import Thresholds
from edge.watchlist.calibration import calibrate
from tools.data import DATA

LFW = DATA / "faces" / "lfw"
ONE_IN = (100.0, 1000.0)


def list_of(parts: Split, models: Models, config: Config) -> ActiveList:
    """The listed people with their clean pictures, and how strangers score against them."""
    references = []
    for picture in parts.enrolled:
        image = read_image(file_of(picture))
        found = models.stages.detector.detect(image)
        face = main_face(found, image)
        if face is not None:
            vector = models.stages.embedder.embed([align(image, found.landmarks[face])])[0]
            name = f"{picture.person}-{picture.number}"
            references.append(Reference(name, picture.person, name, vector, models.hashes["embed"], {}, name))
    people = [Person(name, name, "listed") for name in sorted({one.person_id for one in references})]
    active = ActiveList.of(people, references, 1, "")
    return replace(active, calibration=calibrate(active.gallery, models.strangers, config.recognise.min_margin))


def settings_of(active: ActiveList, config: Config) -> Iterator[tuple[str, ActiveList]]:
    """The list with the limits of each setting."""
    yield "configuration", active
    assert active.calibration is not None
    for one_in in ONE_IN:
        limits = active.calibration.thresholds(one_in)
        kept = Thresholds(limits, config.recognise.min_margin, one_in, "", active.digest, EPOCH)
        yield f"one in {one_in:,.0f}", replace(active, thresholds=kept)


def file_of(picture: Picture) -> Path:
    """Where a picture lies."""
    return LFW / "images" / picture.person / f"{picture.person}_{picture.number:04d}.jpg"


def judge(pictures: tuple[Picture, ...], fault: str, stills: Stills) -> list[set[str]]:
    """Whom the faces of each picture are taken for."""
    named = []
    for number, picture in enumerate(pictures):
        image = degraded(read_image(file_of(picture)), fault, picture, 0)
        done = stills.process(Frame(number, "picture", EPOCH, 0, image))
        named.append({draft.hit.person.person_id for draft in done.drafts})
    return named


def row(parts: Split, fault: str, active: ActiveList, models: Models, config: Config) -> dict[str, Any]:
    """Limits and rates at one setting. Somebody else in a listed person's picture is no wrong name if it is right."""
    facts = DeviceFacts("tool", "test", models.hashes, None, lambda frame: {})
    strangers = judge(parts.strangers, fault, Stills(config, models.stages, active, facts))
    own = judge(parts.genuine, fault, Stills(config, models.stages, active, facts))
    missed = [picture.person not in names for picture, names in zip(parts.genuine, own, strict=True)]
    usual, still = limits_of(config.recognise, active)["color"], still_limits_of(config.recognise, active)["color"]
    return {
        "of_a_track": round(usual.min_similarity, 4),
        "of_one_picture": round(still.min_similarity, 4),
        "promised": still.expected_false_alerts,
        "strangers": len(strangers),
        "fpir": round(sum(map(bool, strangers)) / len(strangers), 4),
        "listed": len(own),
        "fnir": round(sum(missed) / len(own), 4),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="FPIR and FNIR of single pictures")
    parser.add_argument("--degrade", action="append", metavar="NAME:LEVEL")
    faults = parser.parse_args().degrade or [CLEAN]
    config = Config()
    models = load_models(config)
    parts = split_people(LFW / "images", read_people(LFW / "people_dev.txt"))
    active = list_of(parts, models, config)
    rows = {
        fault: {name: row(parts, fault, one, models, config) for name, one in settings_of(active, config)}
        for fault in faults
    }
    print(json.dumps({"people": len(active.people), "models": models.hashes, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
