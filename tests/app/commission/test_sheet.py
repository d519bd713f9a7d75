"""The sheet's parts: how distances were worked out, in each language, and a signature over every byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.commission.distances import Marks, Pinhole, SpokenDistance
from edge.app.commission.sheet import check_sheet, tell_distances
from edge.errors import ImageError
from edge.ops.release.signing import device_key, public_hex, sign
from edge.serve.page.wording.language import LANGUAGES, Translate
from edge.serve.page.wording.words import Words
from tests.support.serve.german import english_in


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_to_know_distances_is_told(language: str) -> None:
    t = Translate(language)
    walking, standing = Marks.parse("0=8,12.5=2"), Marks.parse("0=8,12.5=2", steps=True)
    lenses = [Pinhole.of(640, focal_px=900), Pinhole.of(640, hfov_deg=72.5), Pinhole.of(640)]
    told = [tell_distances(one, t, Words(t)) for one in (walking, standing, *lenses, SpokenDistance(2), None)]
    assert len(set(told)) == len(told)
    if language == "de":
        assert [text for text in told if english_in(text)] == []
        assert "8 m bei 0 s; 2 m bei 12,5 s" in told[0]
        assert "72,5 Grad" in told[3]
    else:
        assert "8 m at 0 s; 2 m at 12.5 s" in told[0]


def test_every_byte_of_a_sheet_is_signed(tmp_path: Path) -> None:
    key = device_key(tmp_path)
    body = b"<html>\n"
    data = body + f"<!-- edge-signature ed25519 {public_hex(key)} {sign(body, key)} -->\n".encode()
    assert check_sheet(data, "x") == public_hex(key)
    for at in range(len(data)):
        with pytest.raises(ImageError):
            check_sheet(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], "x")
    for cut in (data[:-1], data + b"x", body, b""):
        with pytest.raises(ImageError):
            check_sheet(cut, "x")
