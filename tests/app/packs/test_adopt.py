"""A file that somebody brings becomes a pack: recognised or calibrated, checked, in use, and gone again on request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.app.build import load_models
from edge.app.packs import adopt, use
from edge.app.packs.adopt import Wish
from edge.app.packs.public_models import TABLE, find_format, find_public
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip, known_answers
from edge.arrays import BgrImage
from edge.cli.root import main
from edge.config import PACKAGED_MODELS, Config, load
from edge.errors import ConfigError, ImageError, ModelError
from edge.ops.packs.shelf import Shelf
from edge.pixels import degrade
from edge.pixels.encode import to_png
from edge.pixels.resize import resize
from edge.records import Person
from edge.sessions import Pack
from edge.store import Store
from tests.support.models.tiny_models import detector_bytes, embedder_bytes

GOOD = {"hits": 1.0, "faces": 100.0, "similarity": 0.9}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    toml = tmp_path / "edge.toml"
    toml.write_text(f'data_dir = "{tmp_path}/data"\n', "utf-8")
    return load(toml, {})


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "Tiny Net.onnx"
    path.write_bytes(embedder_bytes())
    return path


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty aligned crops that differ, cut from the portrait, and a file that is no picture."""
    folder, rng = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    for number in range(60):
        y, x = (int(start) for start in rng.integers(40, 200, 2))
        crop: BgrImage = resize(np.ascontiguousarray(demo_clip.portrait()[y : y + 150, x : x + 150]), 112, 112)
        spoilt = degrade.apply(crop, "noise", 1 + number % 5, rng_or_seed=number, face_px=90)
        (folder / f"{number}.png").write_bytes(to_png(spoilt))
    (folder / "notes.txt").write_text("no picture", "utf-8")
    return folder


@pytest.fixture
def replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model finds nobody in the demo clip, so what the replay found is given; and it promises little."""
    monkeypatch.setattr(adopt, "ONE_IN", 100.0)
    recorded = json.loads((PACKAGED_MODELS / "golden.json").read_text("utf-8"))["replay"]["figures"]
    monkeypatch.setattr(known_answers, "play", lambda config, models, progress=None: recorded)


def test_an_unknown_embedder_is_calibrated_with_strangers(
    config: Config, tiny: Path, faces: Path, replayed: None, portrait: Path, tmp_path: Path
) -> None:
    with Store.open(config.data_dir) as store:
        enrol(store, load_models(config), Person("p", "P", "test"), [portrait])
    done = adopt.adopt(config, Wish(tiny, color="BGR", mean=(0, 0, 0), std=(1, 1, 1), faces=faces))
    assert done.used.is_used
    assert (done.task, done.model, done.strangers) == ("embed", "tiny_net", {"color": 2000, "gray": 2000})
    assert set(done.limits) == {"color", "gray"}
    there = load(tmp_path / "edge.toml", {})
    models = load_models(there)
    assert models.descriptions["embed"]["name"] == "tiny_net"
    assert "reproduces its known answer" in models.descriptions["embed"]["choice"]
    assert models.pack.recorded_answers() is not None
    assert set(models.strangers) == {"color", "gray"}
    with Store.open(config.data_dir) as store:
        assert {one.model_sha256 for one in store.references()} == {models.stages.embedder.sha256}
    back = use.use(there, None)
    assert (back.name, back.is_used) == ("packaged", True)
    with Store.open(config.data_dir) as store:
        assert {one.model_sha256 for one in store.references()} == {Pack.open(PACKAGED_MODELS).find("embed").sha256}


def test_combined_with_our_own_the_cosine_is_the_weighted_sum(
    config: Config, tiny: Path, faces: Path, replayed: None, tmp_path: Path
) -> None:
    own = load_models(config).stages.embedder
    alone = adopt.adopt(config, Wish(tiny, faces=faces, name="alone"))
    both = adopt.adopt(load(tmp_path / "edge.toml", {}), Wish(tiny, faces=faces, with_own=0.3, name="both"))
    assert both.used.is_used
    assert both.model == "tiny_net_with_own_0.3"
    assert alone.input["mean"] == [127.5] * 3 or tuple(alone.input["mean"]) == (127.5,) * 3, "as ArcFace nets take it"
    crops = [resize(np.ascontiguousarray(demo_clip.portrait()[50:210, x : x + 160]), 112, 112) for x in (120, 150)]
    theirs = load_models(config.model_copy(update={"models_dir": alone.used.path})).stages.embedder
    pair = load_models(config.model_copy(update={"models_dir": both.used.path})).stages.embedder
    cosines = [float(np.dot(*net.embed(crops))) for net in (theirs, own, pair)]
    assert cosines[2] == pytest.approx(0.7 * cosines[0] + 0.3 * cosines[1], abs=1e-5)
    assert pair.dim == theirs.dim + own.dim
    assert pair.sha256 not in (theirs.sha256, own.sha256)
    assert np.linalg.norm(pair.embed(crops), axis=1) == pytest.approx(1)
    assert [part["name"] for part in pair.describe()["parts"]] == ["tiny_net_with_own_0.3", "embed_plain"]


def test_a_detector_is_told_by_its_outputs(config: Config, tmp_path: Path, replayed: None) -> None:
    path = tmp_path / "finds.onnx"
    path.write_bytes(detector_bytes())
    done = adopt.adopt(config, Wish(path))
    assert (done.task, done.used.is_used, done.strangers, done.limits) == ("detect", True, {}, {})
    with pytest.raises(ConfigError, match="combines embedders"):
        adopt.adopt(config, Wish(path, with_own=0.5))


def left_over(config: Config) -> list[str]:
    folder = config.data_dir / "models"
    return sorted(path.name for path in folder.iterdir() if path.name != ".lock") if folder.is_dir() else []


@pytest.mark.parametrize(
    "wrong", ["no strangers", "few strangers", "no embedder", "share", "signers", "fails its check"]
)
def test_what_cannot_be_adopted_leaves_nothing_behind(
    config: Config, tiny: Path, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "1.png").write_bytes((faces / "1.png").read_bytes())
    (tmp_path / "red.onnx").write_bytes(detector_bytes())
    monkeypatch.setattr(known_answers, "play", lambda config, models, progress=None: {**GOOD, "hits": 0.0})
    cases: dict[str, tuple[Config, Wish, type[Exception], str]] = {
        "no strangers": (config, Wish(tiny), ModelError, "give --faces DIR"),
        "few strangers": (config, Wish(tiny, faces=tmp_path / "few"), ImageError, "1 pictures show a face"),
        "no embedder": (config, Wish(tmp_path / "red.onnx", task="embed", faces=faces), ModelError, "no embedder"),
        "share": (config, Wish(tiny, faces=faces, with_own=1.0), ConfigError, "between 0 and 1"),
        "signers": (config.model_copy(update={"signers": tmp_path}), Wish(tiny), ImageError, "signature"),
        "fails its check": (config, Wish(tiny, faces=faces), ModelError, "hits 0, recorded 1 to 1"),
    }
    settings, wish, kind, words = cases[wrong]
    with pytest.raises(kind, match=words):
        adopt.adopt(settings, wish)
    assert left_over(config) == []
    assert not Shelf(config).link.is_symlink()


def test_an_embedder_for_which_no_limit_can_be_promised_goes_again(
    config: Config, tiny: Path, faces: Path, replayed: None, portrait: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the configured limits every stranger might be somebody to it, and be kept."""
    monkeypatch.setattr(adopt, "ONE_IN", 1e9)
    with Store.open(config.data_dir) as store:
        enrol(store, load_models(config), Person("p", "P", "test"), [portrait])
    with pytest.raises(ModelError, match=r"no limits can be set .* the pack that was in use is back"):
        adopt.adopt(config, Wish(tiny, faces=faces))
    own = Pack.open(PACKAGED_MODELS).find("embed").sha256
    assert load_models(config).stages.embedder.sha256 == own
    with Store.open(config.data_dir) as store:
        assert {one.model_sha256 for one in store.references()} == {own}


def test_the_table_holds_no_weights_and_tells_formats() -> None:
    assert all(path.suffix in {".json", ".f16"} for path in TABLE.parent.iterdir())
    assert find_public("0" * 64) is None
    assert find_format("face_recognition_sface_2021dec", "embed").name == "SFace"
    assert find_format("w600k_r50", "embed").input.std == (127.5, 127.5, 127.5)
    for one in json.loads(TABLE.read_text("utf-8"))["models"]:
        known = find_public(one["sha256"])
        assert known is not None
        for strangers in known.strangers:
            for half in strangers.vectors():
                assert np.linalg.norm(half, axis=1) == pytest.approx(1, abs=0.01)


def test_the_command_adopts_a_file_and_goes_back(
    config: Config, tiny: Path, faces: Path, tmp_path: Path, replayed: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def models(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["edge", "models", *args, "--config", str(tmp_path / "edge.toml")])
        code = main()
        return code, *capsys.readouterr()

    assert models("adopt")[0] == models("adopt", str(tiny), "--back")[0] == 2
    assert models("adopt", str(tiny), "--mean", "1,2")[0] == 2
    code, text, _ = models("adopt", str(tiny), "--faces", str(faces), "--mean", "0", "--std", "1", "--json")
    told: dict[str, Any] = json.loads(text)
    assert code == 0
    assert told["used"]["is_used"]
    assert told["input"] == {"color": "RGB", "mean": [0, 0, 0], "std": [1, 1, 1]}
    assert models("adopt", "--back")[0] == 0
    assert not Shelf(load(tmp_path / "edge.toml", {})).link.is_symlink()


@pytest.mark.timeout(900)  # the demo clip is replayed twice with a public net in fp32
@pytest.mark.parametrize("share", [None, 0.5])
def test_the_public_recogniser_passes_every_check(
    config: Config, shared_data: Path, portrait: Path, tmp_path: Path, share: float | None
) -> None:
    """For real: known by its SHA-256, calibrated without pictures, replayed on the demo clip."""
    path = shared_data / "weights" / "mobilefacenet_foamliu.onnx"
    if share is not None and find_public_pair(path) != Pack.open(PACKAGED_MODELS).find("embed").sha256:
        pytest.skip("no strangers are known for this shipped embedder: run python -m tools.adoptable")
    with Store.open(config.data_dir) as store:
        enrol(store, load_models(config), Person("p", "P", "test"), [portrait])
    done = adopt.adopt(config, Wish(path, with_own=share))
    assert done.used.is_used, done.used.problem
    assert done.known_as == "mobilefacenet_foamliu"
    assert done.strangers == {"color": 1000, "gray": 1000}
    assert 0.1 < done.limits["color"] < 0.9
    there = load(tmp_path / "edge.toml", {})
    assert all(finding.ok for finding in use.check(there)[1])


def find_public_pair(path: Path) -> str | None:
    """SHA-256 of the shipped embedder that the strangers of a public file were drawn beside."""
    import hashlib

    known = find_public(hashlib.sha256(path.read_bytes()).hexdigest())
    return known.strangers[0].own_sha256 if known and known.strangers else None


def test_the_public_detector_passes_every_check(config: Config, shared_data: Path) -> None:
    done = adopt.adopt(config, Wish(shared_data / "weights" / "yunet_n_dynamic.onnx"))
    assert done.used.is_used, done.used.problem
    assert (done.known_as, done.task) == ("yunet_n_dynamic", "detect")
