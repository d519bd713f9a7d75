"""`edge enhance` and `edge eval restore` as a user meets them: any picture, any size, and clear words for the rest."""

from __future__ import annotations

import hashlib
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from edge.app.evaluation import restore
from edge.app.evaluation import view as eyes
from edge.app.evaluation.restore_report import write_report
from edge.app.offline.enhance import enhance
from edge.app.selfcheck import demo_clip
from edge.capture.pictures.images import read_image
from edge.cli.root import app
from edge.config import Config, RuntimeConfig
from edge.enhance import BENEFIT_FILE, VIEW_FILE, recipe_from_json, replay
from edge.enhance.benefit import hashes_of, read_benefit
from edge.enhance.view import Choice, ChosenStep, ViewFile, read_views
from edge.errors import EdgeError, ImageError, ModelError
from edge.pixels import degrade
from edge.sessions import Pack
from tests.support.models.tiny_pictures import picture_pack
from tests.support.serve.german import english_in


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    folder = tmp_path_factory.mktemp("box")
    return Config(data_dir=folder, models_dir=picture_pack(folder / "pack"), runtime=RuntimeConfig(threads=1))


def write(path: Path, image: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), image)
    return path


def noise(shape: tuple[int, ...], kind: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape).astype(kind)


@settings(max_examples=12, deadline=None)
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    channels=st.sampled_from([1, 3, 4]),
    deep=st.booleans(),
    step=st.sampled_from(["denoise", "deblur", "restore", "sr2", "sr4"]),
)
def test_any_picture_keeps_its_kind(
    config: Config,
    tmp_path_factory: pytest.TempPathFactory,
    height: int,
    width: int,
    channels: int,
    deep: bool,
    step: str,
) -> None:
    folder = tmp_path_factory.mktemp("any")
    shape = (height, width) if channels == 1 else (height, width, channels)
    image = noise(shape, np.uint16 if deep else np.uint8)
    told = enhance(config, write(folder / "in.png", image), folder / "out.png", steps=[step])
    result = cv2.imread(str(folder / "out.png"), cv2.IMREAD_UNCHANGED)
    factor = {"sr2": 2, "sr4": 4}.get(step, 1)
    assert result.dtype == np.uint8
    assert result.shape == (height * factor, width * factor, *shape[2:])
    assert (told["width"], told["height"]) == (width * factor, height * factor)
    assert told["notes"] == (["16 bits per channel were converted to 8"] if deep else [])
    if channels == 4 and factor == 1:
        alpha = image[..., 3] >> 8 if deep else image[..., 3]
        assert np.array_equal(result[..., 3], alpha)


def test_the_original_is_never_written_over(config: Config, tmp_path: Path) -> None:
    source = write(tmp_path / "in.png", noise((20, 20, 3)))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    for target in (source, tmp_path / "." / "in.png"):
        with pytest.raises(ImageError, match="never written over"):
            enhance(config, source, target, steps=["denoise"])
    (tmp_path / "link.png").symlink_to(source)
    with pytest.raises(ImageError, match="never written over"):
        enhance(config, source, tmp_path / "link.png", steps=["denoise"])
    with pytest.raises(ImageError, match="never written over"):
        enhance(config, source, tmp_path / "out.png", steps=["denoise"], recipe_file=source)
    assert hashlib.sha256(source.read_bytes()).hexdigest() == digest


def test_the_recipe_gives_the_same_pixels_again(config: Config, tmp_path: Path) -> None:
    from edge.app.offline.enhance import open_networks

    source = write(tmp_path / "in.png", noise((30, 40, 3)))
    recipe = tmp_path / "recipe.json"
    told = enhance(config, source, tmp_path / "out.png", steps=["denoise", "deblur", "sr2"], recipe_file=recipe)
    held = json.loads(recipe.read_text("utf-8"))
    assert held == told["recipe"]
    again = replay(read_image(source), recipe_from_json(held), open_networks(config))
    assert np.array_equal(again, read_image(tmp_path / "out.png"))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_what_was_drawn_says_so_in_the_file(config: Config, tmp_path: Path, suffix: str) -> None:
    source = write(tmp_path / "in.png", noise((16, 16, 3)))
    told = enhance(config, source, tmp_path / f"out{suffix}", steps=["sr4"])
    assert "never before the camera" in told["generated"]
    assert b"Generated detail: sr4" in (tmp_path / f"out{suffix}").read_bytes()
    assert told["recipe"]["steps"][0]["generative"] is True
    assert read_image(tmp_path / f"out{suffix}").shape == (64, 64, 3)
    if suffix == ".png":
        assert all(_chunks((tmp_path / "out.png").read_bytes()))
    plain = enhance(config, source, tmp_path / f"plain{suffix}", steps=["sr2"])
    assert plain["generated"] is None
    assert b"Generated" not in (tmp_path / f"plain{suffix}").read_bytes()


def _chunks(png: bytes) -> list[bool]:
    """Whether the checksum of each chunk is right."""
    at, found = 8, []
    while at < len(png):
        size = struct.unpack_from(">I", png, at)[0]
        found.append(struct.unpack_from(">I", png, at + 8 + size)[0] == zlib.crc32(png[at + 4 : at + 8 + size]))
        at += 12 + size
    return found


def test_auto_follows_the_faults(config: Config, tmp_path: Path) -> None:
    steps = (ChosenStep(name="denoise"),)
    levels = {"noise": (1, 5), **dict.fromkeys(("dark", "motion", "blur", "blocks"), (0, 5))}
    choice = Choice(steps=steps, levels=levels, psnr_db=3.0, likeness=0.0, num_faces=20)
    hashes = hashes_of(Pack.open(config.models_dir))
    held = ViewFile(version=1, models=hashes, measured_with={}, steps={"denoise": 1}, choices=(choice,))
    (config.models_dir / VIEW_FILE).write_text(held.model_dump_json(), "utf-8")
    scene = degrade.apply(demo_clip.scene(), "noise", 4, rng_or_seed=1)
    told = enhance(config, write(tmp_path / "in.png", scene), tmp_path / "out.png", steps=["auto"])
    assert "denoise" in [step["name"] for step in told["recipe"]["steps"]]
    assert {step["name"] for step in told["recipe"]["skipped"]} >= {"sr4", "restore"}
    assert told["quality"]["noise"] > 0.012
    (config.models_dir / VIEW_FILE).unlink()
    told = enhance(config, write(tmp_path / "in.png", scene), tmp_path / "out.png", steps=["auto"])
    assert told["recipe"]["steps"] == []
    assert {"name": "denoise", "reason": "view.json is missing: nothing is enhanced"} in told["recipe"]["skipped"]


@pytest.mark.parametrize(
    ("content", "steps", "out", "message"),
    [
        (b"", ["denoise"], "out.png", "is empty"),
        (b"GIF89a\x04\x00\x04\x00 cut off", ["denoise"], "out.png", "damaged"),
        (None, ["magic"], "out.png", "choose from denoise, lime"),
        (None, ["auto", "lime"], "out.png", "no enhancement step 'auto'"),
        (None, ["denoise"], "out.xyz", "choose one of .png"),
        (None, ["sr2:nobody"], "out.png", "no sr2 model called 'nobody'"),
        (None, ["denoise"], "none/out.png", "can't be written"),
    ],
)
def test_the_rest_is_refused_in_words(
    config: Config, tmp_path: Path, content: bytes | None, steps: list[str], out: str, message: str
) -> None:
    source = tmp_path / "in.png"
    write(source, noise((9, 9, 3))) if content is None else source.write_bytes(content)
    with pytest.raises(EdgeError, match=message):
        enhance(config, source, tmp_path / out, steps=steps)
    assert not (tmp_path / out).exists()


def test_a_pack_without_learned_steps_says_so(tmp_path: Path) -> None:
    bare = Config(data_dir=tmp_path, models_dir=picture_pack(tmp_path / "pack", steps=()))
    with pytest.raises(ModelError, match="no sr2 model"):
        enhance(bare, write(tmp_path / "in.png", noise((9, 9, 3))), tmp_path / "out.png", steps=["sr2"])


def test_the_command_prints_the_recipe(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_MODELS_DIR", str(config.models_dir))
    monkeypatch.setenv("EDGE_DATA_DIR", str(tmp_path))
    source = write(tmp_path / "in.png", noise((12, 10, 3)))
    line = ["enhance", str(source), "-o", str(tmp_path / "out.png"), "--steps", "denoise,sr4"]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    assert "denoise version 1, tiny_denoise" in done.output
    assert "lime left out: not asked for" in done.output
    assert "Generated detail: sr4" in done.output
    told: dict[str, Any] = json.loads(CliRunner().invoke(app, [*line, "--json"]).stdout)
    assert [step["name"] for step in told["recipe"]["steps"]] == ["denoise", "sr4"]
    assert (
        CliRunner().invoke(app, ["enhance", str(source), "-o", str(tmp_path / "x.png"), "--steps", ","]).exit_code == 2
    )


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Three people with two pictures each: the demo's portrait, tinted."""
    folder, portrait = tmp_path_factory.mktemp("people"), demo_clip.portrait()[96:416:2, 96:416:2].astype(np.float32)
    names = ["ann", "ben", "cat"]
    for index, name in enumerate(names):
        (folder / name).mkdir()
        for number in (1, 2):
            # The tiny detector sees nothing but red: these faces are cut where faces usually are.
            tint = np.array([[1.0, 0.4, 0.1], [0.4, 1.0, 0.1], [0.9, 0.9, 0.1]][index]) * (0.8 + 0.1 * number)
            write(folder / name / f"{name}_{number:04d}.jpg", np.clip(portrait * tint, 0, 255).astype(np.uint8))
    return folder, names


def test_the_table_and_its_page(config: Config, people: tuple[Path, list[str]], tmp_path: Path) -> None:
    answer, conditions = restore.measure_restoration(
        config, *people, conditions=["noise:3", "small:3"], steps=["denoise", "sr2", "sr4"], count=6
    )
    assert [(row["step"], row["degrade"]) for row in answer["rows"]] == [
        (step, name) for name in ("noise:3", "small:3") for step in ("denoise", "sr2", "sr4")
    ]
    assert (answer["people"], answer["pictures"], answer["left_out"]) == (3, 6, [])
    row = answer["rows"][0]
    assert row["on"]["psnr_db"] > row["off"]["psnr_db"]
    assert json.loads(json.dumps(answer)) == answer
    write_report(tmp_path / "page.html", answer, conditions, "en")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "sr4 (drawn)" in page
    assert page.count("data:image/jpeg") == 2 * 3 * 5
    assert "http" not in page.replace("http-equiv", "")


def test_the_page_is_in_the_language_of_the_site_or_the_one_asked_for(
    config: Config, people: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_MODELS_DIR", str(config.models_dir))
    monkeypatch.setenv("EDGE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("EDGE_SITE__LANGUAGE", "de")
    folder, names = people
    listed, html = tmp_path / "people.txt", tmp_path / "page.html"
    listed.write_text("\n".join(names), "utf-8")
    line = ["eval", "restore", "--images", str(folder), "--people", str(listed), "--degrade", "noise:3"]
    line += ["--steps", "denoise,sr4", "--count", "6", "--html", str(html)]
    done = CliRunner().invoke(app, line)
    assert done.exit_code == 0, done.output
    page = html.read_text("utf-8")
    assert '<html lang="de">' in page
    assert english_in(page) == []
    assert "sr4 (gezeichnet)" in page
    assert re.search(r"<td>\d+,\d+ → \d+,\d+</td>", page)
    assert re.search(r"\d\.\d", re.sub(r"<style>.*?</style>|<[^>]+>", "", page, flags=re.DOTALL)) is None
    assert CliRunner().invoke(app, [*line, "--language", "en"]).exit_code == 0
    assert "sr4 (drawn)" in html.read_text("utf-8")
    assert CliRunner().invoke(app, [*line, "--language", "fr"]).exit_code == 2


def test_what_was_chosen_for_recognition_stands_in_german_on_the_page(tmp_path: Path) -> None:
    row = {"step": "denoise", "fault": "blocks", "min_level": 3, "gain": 0.0123, "least": 0.001, "worst": -0.002}
    benefit = {"chosen_on": "people.txt", "rows": [{**row, "shown": False}]}
    answer = {"pictures": 6, "people": 3, "rows": [], "left_out": ["sr2: the model pack has no model for it"]}
    write_report(tmp_path / "page.html", answer | {"benefit": benefit}, [], "de")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert english_in(page) == []
    for text in ("sr2: das Modellpaket hat kein Modell", "Blöcke", "+0,0123", "-0,0020", "nur zum Ansehen"):
        assert text in page


def test_benefit_is_written_for_the_models_at_hand(config: Config, people: tuple[Path, list[str]]) -> None:
    told = restore.write_benefit(config, *people, count=6)
    benefit = read_benefit(Pack.open(config.models_dir))
    assert benefit.problem is None
    assert benefit.shown == tuple(one for one in benefit.shown if one.least > 0)
    assert told["written"].endswith(BENEFIT_FILE)
    assert told["rows"]
    (config.models_dir / BENEFIT_FILE).unlink()


def test_choices_for_eyes_are_written_and_a_stopped_run_goes_on(
    config: Config, people: tuple[Path, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eyes, "CONDITIONS", ("clean", "dark:3"))
    told = eyes.write_view(config, *people, count=6, keep=tmp_path)
    assert told["written"].endswith(VIEW_FILE)
    assert read_views(Pack.open(config.models_dir)).problem is None
    kept = tmp_path / "dark-3.json"
    rows = json.loads(kept.read_text("utf-8"))["rows"]
    assert len(rows) == 6
    assert len({row["person"] for row in rows}) == 3

    def refuse(faces: object, name: str, **rest: object) -> None:
        raise AssertionError(f"{name} is measured again")

    monkeypatch.setattr(eyes.view, "measure", refuse)
    assert eyes.write_view(config, *people, count=6, keep=tmp_path) == told
    with pytest.raises(AssertionError, match="clean is measured again"):
        eyes.write_view(config, *people, count=4, keep=tmp_path)
    (config.models_dir / VIEW_FILE).unlink()


def test_too_few_people_are_refused(config: Config, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="fewer than two"):
        restore.measure_restoration(config, tmp_path, ["nobody"])
