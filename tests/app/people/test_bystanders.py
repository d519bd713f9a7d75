"""An enrolled picture shows nobody but the person."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge.app.build import load_models
from edge.app.people.pictures import check_pictures
from edge.app.selfcheck import demo_clip
from edge.capture.pictures.images import decode_image
from edge.config import Config
from edge.pipeline.draft import cut_with_margin
from edge.store import Store
from edge.watchlist.entry import Upload
from tests.support.media import encode
from tests.support.store import ANN

WORKING_SCORE = Config().detect.min_score


def test_who_lies_beside_the_person_is_covered_though_the_first_look_was_not_sure(tmp_path: Path) -> None:
    models = load_models(Config())
    person = demo_clip.portrait()[:300, 60:360]
    image = np.full((560, 720, 3), 90, np.uint8)
    image[:540, :540] = cv2.resize(person, (540, 540))
    small = cv2.resize(person[20:290, 50:250], (120, 162), interpolation=cv2.INTER_AREA)
    image[130:250, 385:547] = np.rot90(cv2.GaussianBlur(small, (0, 0), 3))
    found = models.stages.detector.detect(image, 0.34)
    beside = found.only(found.boxes[:, 0] > 385)
    assert len(beside)
    assert beside.scores.max() < WORKING_SCORE, "one whom the working score does not count"
    with Store.open(tmp_path) as store:
        made = check_pictures(store, models, ANN, [Upload("a.png", encode(image, ".png"))])
    (data,) = made.images.values()
    kept = decode_image(data, "kept")
    left, top = cut_with_margin(image, tuple(found.boxes[0].tolist()))[1]
    x1, y1, x2, y2 = (int(value) for value in beside.boxes[0] - np.array([left, top] * 2))
    seen = kept[y1:y2, x1:x2]
    assert seen.size > 5000, "a part of the neighbour lies within the picture that is kept"
    assert not seen.any()
