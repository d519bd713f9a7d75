"""Calibration end to end: the pack's strangers, this list, limits kept and used by the pipeline, hits that say so."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.app.build import Models, load_active_list
from edge.app.offline.clips import process
from edge.app.offline.contents import find_clips
from edge.app.people.calibration import calibrate
from edge.app.people.people import enrol
from edge.config import Config, load
from edge.errors import ConfigError, ModelError
from edge.records import Person
from edge.sessions import Pack
from edge.store import Store
from tests.support.models import tiny_models


@pytest.fixture(scope="module")
def config() -> Config:
    return load()


def test_limits_are_kept_used_and_told(
    tmp_path: Path, config: Config, models: Models, portrait: Path, demo_clip: Path
) -> None:
    with Store.open(tmp_path) as store:
        with pytest.raises(ConfigError, match="nobody is enrolled"):
            calibrate(config, models, store, one_in=1000, min_margin=None, write=False)
        enrol(store, models, Person("p1", "P", "demo"), [portrait])
        asked = calibrate(config, models, store, one_in=1000, min_margin=None, write=False)
        assert asked["kinds"]["color"]["now"]["source"] == "configuration"
        assert store.calibration.thresholds() is None, "asking changes nothing"
        rarer = calibrate(config, models, store, one_in=10_000, min_margin=None, write=True)
        for kind in ("color", "gray"):
            assert rarer["kinds"][kind]["min_similarity"] > asked["kinds"][kind]["min_similarity"]
            similarities = [row["min_similarity"] for row in rarer["kinds"][kind]["curve"]]
            assert similarities == sorted(similarities)
        kept = store.calibration.thresholds()
        assert kept is not None
        limit = kept.min_similarity["color"]
        assert limit == rarer["kinds"]["color"]["min_similarity"]
        (result,) = process(config, models, load_active_list(store, models), find_clips(demo_clip))
        for draft in result.drafts.values():
            gates = {gate["gate"]: gate["limit"] for gate in draft.hit.decision["gates"]}
            assert (gates["similarity"], draft.hit.decision["limits"]) == (
                pytest.approx(limit, abs=1e-4),
                "calibration",
            )
            assert draft.hit.expected_false_alerts.endswith("faces at this setting, list of 1")
            assert draft.hit.similarity >= limit
        assert result.drafts, "the demo's person is well above one false alert in ten thousand faces"


def test_a_pack_without_strangers_says_so(tmp_path: Path, config: Config, models: Models) -> None:
    bare = dataclasses.replace(models, strangers={})
    with Store.open(tmp_path) as store, pytest.raises(ConfigError, match="holds no strangers"):
        calibrate(config, bare, store, one_in=1000, min_margin=None, write=False)


def test_altered_strangers_are_refused(tmp_path: Path) -> None:
    data = tiny_models.embedder_bytes()
    told = tiny_models.entry("tiny", "embed", data)
    folder = tiny_models.write_pack(tmp_path / "pack", [(told, data)])
    vectors = np.random.default_rng(0).normal(size=(70, 8)).astype("<f2")
    content = vectors.tobytes()
    (folder / "cohort.f16").write_bytes(content)
    cohort = {
        "name": "strangers",
        "kind": "color",
        "file": "cohort.f16",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "model_sha256": told["sha256"],
        "count": 70,
        "dim": 8,
        "licence": "CC0-1.0",
    }
    manifest = json.loads((folder / "manifest.json").read_text()) | {"cohorts": [cohort]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = Pack.open(folder).strangers(told["sha256"])
    assert np.linalg.norm(found["color"], axis=1) == pytest.approx(np.ones(70), abs=1e-3)
    assert Pack.open(folder).strangers("0" * 64) == {}, "strangers of another embedder are none"
    other = shutil.copytree(folder, tmp_path / "other")
    (other / "cohort.f16").write_bytes(content[:-2] + b"\x00\x00")
    with pytest.raises(ModelError, match="altered or cut short"):
        Pack.open(other).strangers(told["sha256"])


def test_no_stranger_of_the_pack_is_a_training_picture_kept(models: Models) -> None:
    """The manifest says how near drawn vectors come to training faces: less than two pictures of one person do."""
    entries = Pack.open(load().models_dir).manifest.cohorts
    for entry in entries:
        near = entry.scores["nearest_training_face"]
        same_person = entry.scores["likeness"]  # from the least to the most alike of two pictures
        assert near["drawn_p50_p95"][1] < same_person[len(same_person) // 2]
        assert near["drawn_p50_p95"][0] < near["strangers_p50_p95"][0] + 0.1
        for row in entry.scores["tail"].values():
            assert 0.5 < row["drawn_over_real"] < 2.0
