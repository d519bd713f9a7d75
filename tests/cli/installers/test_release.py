"""`edge release check` leaves nothing to be compiled in the time that the new release has to show that it works."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.selfcheck import sealed_clip
from edge.app.service.start import kept_kernels
from edge.cli.installers.release import check
from edge.ops.system import systemd
from edge.pixels.kernel_cache import kernel_cache


@pytest.mark.parametrize("booted", [True, False])
def test_kernels_are_compiled_before_the_trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, booted: bool) -> None:
    toml, data = tmp_path / "edge.toml", tmp_path / "data"
    data.mkdir()
    toml.write_text(f'data_dir = "{data}"\n', "utf-8")
    monkeypatch.setattr(sealed_clip, "replay", lambda *_: [])
    monkeypatch.setattr(systemd, "is_booted", lambda: booted)
    check(reference=tmp_path, config=toml, as_json=True)
    assert kept_kernels.are_kept(data) is booted, kernel_cache().cold
