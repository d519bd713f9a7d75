"""The packaged pack lies in a release, which goes one day: nothing on the box may lead into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.packs import pull, use
from edge.config import PACKAGED_MODELS, load
from edge.ops.packs.shelf import Shelf
from edge.sessions import Pack
from tests.support.models.packs import make_pack


@pytest.mark.parametrize("is_demanded", [False, True])
def test_no_link_leads_into_a_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_demanded: bool) -> None:
    toml, link = tmp_path / "edge.toml", tmp_path / "data" / "models" / "current"
    toml.write_text(f'data_dir = "{tmp_path}/data"\n' + f'models_dir = "{link}"\n' * is_demanded, "utf-8")
    monkeypatch.setattr(use, "replay", lambda *_: [])
    pull.pull(load(toml, {}), str(make_pack(tmp_path / "a")), name="first")
    assert use.use(load(toml, {}), "first").is_used
    assert use.use(load(toml, {}), "packaged").is_used
    assert link.is_symlink() == is_demanded, "the packaged pack needs no link, unless one was asked for"
    assert not is_demanded or link.readlink() == Path("packaged"), "means the pack of whatever release there is"
    assert Pack.open(load(toml, {}).models_dir).digest() == Pack.open(PACKAGED_MODELS).digest()
    assert use.use(load(toml, {}), None).name == "first"
    assert (link.parent / "previous").readlink() == Path("packaged")
    assert [line.name for line in Shelf(load(toml, {})).lines() if line.is_previous] == ["packaged"]
    assert use.use(load(toml, {}), None).name == "packaged"
