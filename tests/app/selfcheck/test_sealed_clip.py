"""What is recorded is the same on every machine; what is replayed is what runs on this box."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.app.selfcheck import demo_clip, sealed_clip
from edge.config import PACKAGED_MODELS, Config
from edge.errors import EdgeError
from edge.ops.packs.choice import FILE


class Stopped(EdgeError):
    """The models were asked for; nothing need be played."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The data directories that the models were chosen by."""
    homes: list[Path] = []

    def load(config: Config) -> Any:
        homes.append(config.data_dir)
        raise Stopped

    monkeypatch.setattr(sealed_clip, "load_models", load)
    monkeypatch.setattr(sealed_clip, "_read", lambda folder: {"bands": {}})
    return homes


def test_a_choice_of_the_box_counts_for_the_replay_alone(tmp_path: Path, asked: list[Path]) -> None:
    config = Config(data_dir=tmp_path / "data", models_dir=PACKAGED_MODELS)
    config.data_dir.mkdir()
    (config.data_dir / FILE).write_text("{}", "utf-8")
    with pytest.raises(Stopped):
        sealed_clip.replay(config, tmp_path)
    with pytest.raises(Stopped):
        sealed_clip.seal(config, tmp_path / "sealed")
    kept = {path.name for path in (tmp_path / "sealed").iterdir()}
    assert kept == {sealed_clip.CLIP, demo_clip.PORTRAIT, demo_clip.SCENE}
    replayed, sealed = asked
    assert replayed == config.data_dir, "what edge probe chose is what runs there"
    assert sealed != config.data_dir
    assert not (sealed / FILE).exists(), "what is recorded must not hang on the machine it is recorded on"
