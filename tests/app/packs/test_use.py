"""Packs are pulled only whole and vouched for, and put in use only when they work."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from edge.app.build import load_models
from edge.app.packs import pull, use
from edge.app.people.people import enrol
from edge.app.selfcheck import known_answers
from edge.cli.root import main
from edge.config import PACKAGED_MODELS, Config, load
from edge.errors import ConfigError, ConflictError, ImageError, ModelError, StoreError
from edge.ops.packs.shelf import Shelf
from edge.records import Person
from edge.store import Store
from tests.support.models.packs import archive, left_over, make_pack
from tests.support.models.tiny_models import embedder_bytes

GOOD = {"hits": 1.0, "faces": 100.0, "similarity": 0.9}


def test_an_archive_is_pulled_and_shelved(config: Config, tmp_path: Path) -> None:
    new = make_pack(tmp_path / "new")
    for name in ("benefit.json", "README.md", "notes.txt"):
        (new / name).write_text("{}", "utf-8")
    path, sha256 = archive(tmp_path, new, prefix="models/")
    done = pull.pull(config, str(path), sha256=sha256)
    assert done.sha256 == sha256
    kept = ["README.md", "benefit.json", "finds.onnx", "manifest.json", "tells.onnx"]
    assert sorted(p.name for p in done.path.iterdir()) == kept, "what belongs to a pack, and nothing else"
    assert pull.pull(config, str(path)).path == done.path, "the same pack again is no conflict"
    assert left_over(config) == [done.name]
    assert not Shelf(config).link.is_symlink(), "pulling puts nothing in use"
    other, _ = archive(tmp_path, make_pack(tmp_path / "other", seed=1))
    with pytest.raises(ConflictError, match="another pack has this name"):
        pull.pull(config, str(other), name=done.name)


def test_a_wrong_hash_leaves_nothing(config: Config, tmp_path: Path) -> None:
    path, _ = archive(tmp_path, make_pack(tmp_path / "new"))
    with pytest.raises(ImageError, match="its SHA-256 is"):
        pull.pull(config, str(path), sha256="0" * 64)
    with pytest.raises(ImageError, match="no SHA-256"):
        pull.pull(config, str(path), sha256="abc")
    assert left_over(config) == []


def _altered(pack: Path) -> None:
    (pack / "tells.onnx").write_bytes(embedder_bytes(seed=5))


def _without_manifest(pack: Path) -> None:
    (pack / "manifest.json").unlink()


def _with_link(pack: Path) -> None:
    (pack / "tells.onnx").unlink()
    (pack / "tells.onnx").symlink_to("/etc/passwd")


def _without_model(pack: Path) -> None:
    (pack / "finds.onnx").unlink()


@pytest.mark.parametrize("breaks", [_altered, _without_manifest, _with_link, _without_model])
def test_a_pack_that_is_not_whole_is_refused(config: Config, tmp_path: Path, breaks: Any) -> None:
    pack = make_pack(tmp_path / "new")
    breaks(pack)
    path, _ = archive(tmp_path, pack)
    with pytest.raises((ModelError, ImageError)) as caught:
        pull.pull(config, str(path))
    assert ";" in str(caught.value), "says what to do"
    assert left_over(config) == []


def test_use_moves_the_link_and_goes_back(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portrait: Path
) -> None:
    models = load_models(config)
    with Store.open(config.data_dir) as store:
        enrol(store, models, Person("p", "P", "test"), [portrait])
    monkeypatch.setattr(known_answers, "play", lambda config, models, progress=None: GOOD)
    first = pull.pull(config, str(make_pack(tmp_path / "a")), name="first")
    pull.pull(config, str(make_pack(tmp_path / "b", seed=1)), name="second")
    done = use.use(config, "first")
    assert done.is_used
    assert done.reembedded is not None
    assert done.reembedded["swapped"] == 1, "people come along"
    toml = tmp_path / "edge.toml"
    toml.write_text(f'data_dir = "{config.data_dir}"\n', "utf-8")
    chosen = load(toml, {})
    assert chosen.models_dir.resolve() == first.path
    tells = hashlib.sha256((first.path / "tells.onnx").read_bytes()).hexdigest()
    with Store.open(config.data_dir) as store:
        assert {one.model_sha256 for one in store.references()} == {tells}
    assert use.use(chosen, "second").is_used
    assert use.use(chosen, None).path == first.path
    monkeypatch.setattr(use, "replay", lambda *_: [])
    assert use.use(chosen, "packaged").is_used
    assert load(toml, {}).models_dir == PACKAGED_MODELS
    assert [line.name for line in Shelf(load(toml, {})).lines() if line.is_used] == ["packaged"]


def test_a_pack_outside_its_band_is_not_put_in_use(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull.pull(config, str(make_pack(tmp_path / "a")), name="first")
    monkeypatch.setattr(known_answers, "play", lambda config, models, progress=None: {**GOOD, "similarity": 0.2})
    done = use.use(config, "first")
    assert not done.is_used
    assert "similarity 0.2, recorded 0.5 to 1" in str(done.problem)
    assert not Shelf(config).link.is_symlink()
    with pytest.raises(ModelError, match="there are: packaged, first"):
        use.use(config, "third")
    with pytest.raises(ModelError, match="no earlier pack"):
        use.use(config, None)
    (config.data_dir / "models" / "first" / "tells.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match="restore it"):
        use.use(config, "first")


@pytest.mark.parametrize("step", ["stage", "reembed"])
def test_where_the_people_cannot_come_along_everything_stays(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, portrait: Path, step: str
) -> None:
    models = load_models(config)
    with Store.open(config.data_dir) as store:
        enrol(store, models, Person("p", "P", "test"), [portrait])
    monkeypatch.setattr(known_answers, "play", lambda config, models, progress=None: GOOD)
    for name, seed in (("first", 0), ("second", 1)):
        pull.pull(config, str(make_pack(tmp_path / name, seed=seed)), name=name)
    assert use.use(config, "first").is_used

    def fails(*_: Any, **__: Any) -> None:
        raise StoreError("the embeddings can't be kept; look at the disk")

    monkeypatch.setattr(use, step, fails)
    if step == "stage":  # before the link has moved: nothing is to be taken back
        with pytest.raises(StoreError, match="can't be kept"):
            use.use(config, "second")
    else:
        done = use.use(config, "second")
        assert not done.is_used
        assert "is back" in str(done.problem)
    used = Shelf(config).link.resolve()
    assert used.name == "first"
    tells = hashlib.sha256((used / "tells.onnx").read_bytes()).hexdigest()
    with Store.open(config.data_dir) as store:
        assert {one.model_sha256 for one in store.references()} == {tells}, "those of the pack that stays"


def test_a_plain_models_dir_is_not_replaced(tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "mine")
    with pytest.raises(ConfigError, match="plain folder"):
        Shelf(Config(data_dir=tmp_path, models_dir=pack))


def test_the_commands_and_their_exit_codes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    toml = tmp_path / "edge.toml"
    toml.write_text(f'data_dir = "{tmp_path}/data"\n', "utf-8")
    path, sha256 = archive(tmp_path, make_pack(tmp_path / "new"))

    def models(*args: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["edge", "models", *args, "--config", str(toml)])
        code = main()
        return code, *capsys.readouterr()

    code, _, said = models("pull", str(path), "--sha256", "0" * 64)
    assert (code, said.count("\n")) == (65, 1)
    code, text, _ = models("pull", str(path), "--sha256", sha256, "--name", "new", "--json")
    assert code == 0
    assert json.loads(text)["sha256"] == sha256
    assert models("use")[0] == models("use", "new", "--back")[0] == 2
    assert models("use", "other")[0] == 78
    monkeypatch.setattr(known_answers, "play", lambda config, models, progress=None: {**GOOD, "hits": 0.0})
    code, _, said = models("use", "new")
    assert code == 1
    assert "leaves its band" in said
    monkeypatch.setattr(known_answers, "play", lambda config, models, progress=None: GOOD)
    code, text, _ = models("use", "new", "--json")
    assert code == 0
    assert json.loads(text)["is_used"]
    packs = {line["name"]: line["used"] for line in json.loads(models("packs", "--json")[1])}
    assert packs == {"packaged": False, "new": True}
    assert json.loads(models("check", "--json")[1])["ok"]
    assert "in use" in models("packs")[1]
