"""Odd files that people have of a person: what of them was not looked at is told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.app.build import Models
from edge.app.people.pictures import CheckedPerson, check_pictures
from edge.capture.pictures.images import SEVERAL, read_image
from edge.records import Person
from edge.store import Store
from edge.watchlist.entry import Upload
from tests.support.capture.clips import encode_video
from tests.support.media import encode

ADA = Person("p1", "Ada", "banned")


def check(models: Models, folder: Path, *pictures: Upload | Path) -> CheckedPerson:
    with Store.open(folder / "box") as store:
        return check_pictures(store, models, ADA, pictures)


@pytest.mark.parametrize("kind", ["gif", "png", "webp", "avif", "tiff"])
def test_of_an_animation_the_first_picture_counts_and_that_is_told(
    kind: str, models: Models, portrait: Path, tmp_path: Path
) -> None:
    first = Image.open(portrait).convert("RGB")
    second = Image.fromarray(255 - np.asarray(first))
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=[second])
    done = check(models, tmp_path, Upload(f"ada.{kind}", file.getvalue()))
    assert [one.accepted for one in done.outcomes] == [True]
    assert done.outcomes[0].notes == (SEVERAL,)
    assert SEVERAL in done.outcomes[0].as_json()["message"]
    file = io.BytesIO()
    first.save(file, kind)
    assert check(models, tmp_path, Upload(f"ada.{kind}", file.getvalue())).outcomes[0].notes == ()


def test_a_picture_of_12_bits_is_enrolled_and_what_was_guessed_is_told(
    models: Models, portrait: Path, tmp_path: Path
) -> None:
    deep = read_image(portrait).astype(np.uint16) * 16 + 7
    path = tmp_path / "ada.png"
    path.write_bytes(encode(deep, ".png"))
    done = check(models, tmp_path, path)
    assert [one.accepted for one in done.outcomes] == [True]
    assert "taken for a picture of 12 bits" in done.outcomes[0].notes[0]


def test_a_picture_named_as_a_video_is_enrolled_as_a_picture(models: Models, portrait: Path, tmp_path: Path) -> None:
    (tmp_path / "ada.mp4").write_bytes(portrait.read_bytes())
    done = check(models, tmp_path, tmp_path / "ada.mp4")
    assert [(one.accepted, one.place) for one in done.outcomes] == [(True, 0)]
    encode_video(tmp_path / "ada.jpg", [read_image(portrait)] * 8, format="mp4")
    done = check(models, tmp_path, tmp_path / "ada.jpg")
    assert {one.source for one in done.outcomes} == {f"{tmp_path / 'ada.jpg'}#{number}" for number in (0, 5)}
    upload = Upload("ada.jpg", (tmp_path / "ada.jpg").read_bytes())
    assert "is a video, not a picture" in check(models, tmp_path, upload).outcomes[0].message


def test_pictures_of_one_person_that_are_little_alike_are_asked_about(
    models: Models, portrait: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = read_image(portrait)
    pictures = [Upload("a.png", encode(image, ".png")), Upload("b.png", encode(image[4:], ".png"))]
    vectors = iter([(1.0, 0.0), (0.37, (1 - 0.37**2) ** 0.5)])

    def embed(crops: np.ndarray) -> np.ndarray:
        made = np.zeros((1, 256), np.float32)
        made[0, :2] = next(vectors)
        return made

    monkeypatch.setattr(models.stages.embedder, "embed", embed)
    done = check(models, tmp_path, *pictures)
    assert [one.reason for one in done.outcomes] == [None, None]
    (told,) = [note for one in done.outcomes for note in one.notes]
    assert "resembles the person's other pictures little (similarity 0.37)" in told
