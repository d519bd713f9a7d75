"""Where the safe page listens when the rest of the configuration is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.service import safe_page


def test_the_address_is_read_as_the_service_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "edge.toml"
    path.write_bytes(b'\xef\xbb\xbfdata_dir = "/srv/edge"\nwrong = 1\n[serve]\nport = 8123\n')
    serve, data_dir = safe_page._listening(path) or (None, None)
    assert serve is not None
    assert (serve.port, data_dir) == (8123, Path("/srv/edge"))
    monkeypatch.setenv("EDGE_SERVE__PORT", "8124")
    serve, _ = safe_page._listening(path) or (None, None)
    assert serve is not None
    assert serve.port == 8124


@pytest.mark.parametrize("text", ["[serve\n", "[serve]\nport = 'x'\n", "serve = 1\n", "a = " + "[" * 50_000])
def test_a_file_that_does_not_tell_the_address_is_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(text, "utf-8")
    assert safe_page._listening(path) is None
    assert safe_page._listening(tmp_path / "none.toml") is None
