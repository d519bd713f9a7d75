"""`edge eval groups` as a user meets it: tiny models on crops, the shipped ones on a rendered face, public faces."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from edge.app.evaluation.groups import BORDER_SHARE, GRAY, crop_tight
from edge.app.selfcheck import demo_clip
from edge.cli.root import app
from edge.records import Detections
from tests.support.models.tiny_pictures import picture_pack
from tests.support.paths import ROOT

SHIPPED = ROOT / "models" / "quantized"


def run(folder: Path, models: Path, *options: str) -> Result:
    config = folder / "edge.toml"
    config.write_text(f'data_dir = "{folder / "data"}"\nmodels_dir = "{models}"\n', "utf-8")
    return CliRunner().invoke(app, ["eval", "groups", "--config", str(config), *options])


def measured(folder: Path, models: Path, *options: str) -> dict[str, Any]:
    done = run(folder, models, *options, "--json")
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four men that are alike, four women that are not, and a picture that is named otherwise."""
    folder = tmp_path_factory.mktemp("crops")
    rng = np.random.default_rng(0)
    man = rng.integers(0, 256, (2, 2, 3))
    for number in range(8):
        quarters = man if number < 4 else rng.integers(0, 256, (2, 2, 3))
        image = np.kron(quarters, np.ones((56, 56, 1))).astype(np.uint8)
        cv2.imwrite(str(folder / f"{number:05d}_{20 + 10 * (number % 4)}_{int(number > 3)}_{number % 2}.png"), image)
    cv2.imwrite(str(folder / "holiday.png"), np.zeros((112, 112, 3), np.uint8))
    return folder


def test_aligned_crops_with_tiny_models(crops: Path, tmp_path: Path) -> None:
    models = picture_pack(tmp_path / "pack", ())
    told = measured(tmp_path, models, "--images", str(crops), "--aligned", "--min-similarity", "0.99999")
    assert (told["num_pictures"], told["num_without_face"], told["num_misnamed"]) == (8, 0, 1)
    assert (told["min_similarity"], told["source"], told["strangers"]) == (0.99999, "option", None)
    assert (told["all"]["matches"], told["all"]["pairs"]) == (6, 28)
    assert (told["max_similarity"], told["num_left_out"]) == (None, 0)
    men, women = told["by"]["sex"]["groups"]
    assert (men["group"], men["matches"], men["pairs"]) == ("male", 6, 6)
    assert (women["group"], women["matches"], women["pairs"]) == ("female", 0, 6)
    assert men["ratio_to_all"] == pytest.approx(28 / 6)
    assert [group["group"] for group in told["by"]["skin"]["groups"]] == ["White", "Black"]
    assert [group["group"] for group in told["by"]["age"]["groups"]] == ["16-29", "30-44", "45-59"]
    assert told["most_alike"][0]["similarity"] == pytest.approx(1.0, abs=1e-5)
    assert all(Path(path).stem.split("_")[2] == "0" for path in told["most_alike"][0]["paths"]), "two of the men"


def test_pairs_taken_for_one_person_are_left_out(crops: Path, tmp_path: Path) -> None:
    models = picture_pack(tmp_path / "pack", ())
    options = ("--images", str(crops), "--aligned", "--min-similarity", "0.9", "--max-similarity", "0.99999")
    told = measured(tmp_path, models, *options)
    assert (told["num_left_out"], told["all"]["pairs"]) == (6, 22)
    assert told["by"]["sex"]["groups"][0]["pairs"] == 0
    done = run(tmp_path, models, *options)
    assert "6 pairs at 0.99999 or above are taken for one person and left out" in done.output


def test_table_and_refusals(crops: Path, tmp_path: Path) -> None:
    models = picture_pack(tmp_path / "pack", ())
    done = run(tmp_path, models, "--images", str(crops), "--aligned", "--min-similarity", "0.99999")
    assert done.exit_code == 0, done.output
    for part in ("FMR by sex x sex", "within sex and skin", "named otherwise 1", "may show one person", "Wilson"):
        assert part in done.output
    assert "FMR by sex and skin" in done.output, "four groups fit on a page"
    for images, words in ((tmp_path, "named NNNNN_AGE_SEX_SKIN"), (tmp_path / "nothing", "can't be read")):
        refused = run(tmp_path, models, "--images", str(images))
        assert refused.exit_code != 0
        assert words in str(refused.exception)
    refused = run(tmp_path, models, "--images", str(crops), "--aligned", "--max-similarity", "0.5")
    assert "leaves out every match" in str(refused.exception)
    wide = tmp_path / "wide"
    wide.mkdir()
    for number in range(2):
        cv2.imwrite(str(wide / f"{number}_20_0_0.png"), np.zeros((100, 112, 3), np.uint8))
    refused = run(tmp_path, models, "--images", str(wide), "--aligned")
    assert "no aligned 112 x 112 crop" in str(refused.exception)
    assert "a face is found in 0 of 2" in str(run(tmp_path, models, "--images", str(wide)).exception)


def test_the_border_is_repeated_to_find_the_face_and_gray_in_the_crop() -> None:
    image = np.random.default_rng(0).integers(140, 256, (160, 160, 3)).astype(np.uint8)
    border = round(BORDER_SHARE * 160)
    assert border == 48
    given = []

    class Middle:
        def detect(self, wide: np.ndarray, min_score: float | None = None) -> Detections:
            given.append(wide)
            points = np.array([[48, 46], [110, 46], [78, 83], [52, 109], [105, 109]], np.float32) + border
            return Detections(np.array([[60, 60, 190, 190]], np.float32), np.ones(1, np.float32), points[np.newaxis])

    crop = crop_tight(image, Middle())  # type: ignore[arg-type]
    assert given[0].shape == (256, 256, 3)
    assert (given[0][:border, border:-border] == image[0]).all()
    assert crop is not None
    assert (crop[:24, 30:80] == GRAY).all()
    assert crop[40:100, 30:80].min() >= 140


def test_a_rendered_face_with_the_shipped_models(tmp_path: Path) -> None:
    face = cv2.resize(demo_clip.portrait()[96:416, 96:416], (160, 160), interpolation=cv2.INTER_AREA)
    faces = tmp_path / "faces"
    faces.mkdir()
    for number, light in enumerate((1.0, 0.9, 0.8)):
        image = np.clip(face * light, 0, 255).astype(np.uint8)
        cv2.imwrite(str(faces / f"{number:05d}_30_{number % 2}_{number}.png"), image)
    cv2.imwrite(str(faces / "00003_70_1_4.png"), np.full((160, 160, 3), 90, np.uint8))
    told = measured(tmp_path, SHIPPED, "--images", str(faces))
    assert (told["num_pictures"], told["num_without_face"]) == (4, 1)
    assert (told["min_similarity"], told["source"]) == (0.5, "configuration")
    assert (told["all"]["matches"], told["all"]["pairs"]) == (3, 3), "one face in three lights"
    missed = {group["group"]: group["num_without_face"] for group in told["by"]["skin"]["groups"]}
    assert missed == {"White": 0, "Black": 0, "Asian": 0, "others": 1}
    assert told["strangers"]["pairs"] > 1_000_000
    assert told["strangers"]["fmr"] < told["strangers"]["high"] < 1e-3


def test_public_faces_match_more_within_a_sex_than_across(shared_data: Path, tmp_path: Path) -> None:
    files = sorted((shared_data / "faces" / "utk" / "dev").glob("*.jpg"))[:80]
    if not files:
        pytest.skip("needs faces/utk/dev of the public test data")
    faces = tmp_path / "faces"
    faces.mkdir()
    for path in files:
        shutil.copy(path, faces)
    told = measured(tmp_path, SHIPPED, "--images", str(faces), "--min-similarity", "0.25")
    assert told["num_pictures"] == 80
    assert told["num_without_face"] <= 2
    sex = told["by"]["sex"]
    assert sex["within"]["pairs"] + sex["across"]["pairs"] == told["all"]["pairs"]
    assert sex["within"]["low"] > sex["across"]["high"]
    assert told["by"]["skin"]["within"]["fmr"] > told["by"]["skin"]["across"]["fmr"]
