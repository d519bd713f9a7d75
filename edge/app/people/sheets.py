"""Erasing a person from the commissioning sheets that the appliance keeps: they name who walked."""

from __future__ import annotations

import html
from pathlib import Path

from edge import durable
from edge.errors import EdgeError
from edge.ops.release.signed_page import body_of, sign_page, signer_of
from edge.ops.release.signing import KEY_FILE, device_key, public_hex
from edge.store.audit.spellings import file_mentions, spellings

FOLDER = "commission"
ERASED = b"(erased)"
WALKER = ((b'<span id="walker">', b"</span>"), (b"entry ", b" of the list"))
"""What stands before and after who walked: in every language, and in the sheets of releases that knew English alone."""


def forget_in_sheets(data_dir: Path, person_id: str) -> int:
    """Take a person's id out of the kept sheets, and return out of how many.

    A sheet that this appliance signed is signed anew, since its figures stay true. One that it did not sign, or that
    still names the person, is deleted; so is what a power cut left half-written.
    """
    needles, changed = spellings(person_id), 0
    for path in sorted((data_dir / FOLDER).glob("*")):
        if path.suffix == ".part":
            path.unlink(missing_ok=True)
        elif file_mentions(path, needles):
            changed += 1
            data = _without(data_dir, path.read_bytes(), person_id)
            if data is None or any(one in data for one in needles):
                path.unlink(missing_ok=True)
            else:
                durable.replace(path, data)
    return changed


def _without(data_dir: Path, data: bytes, person_id: str) -> bytes | None:
    """The sheet without that walker, signed anew; None where it is no sheet of this appliance."""
    body = body_of(data)
    if body is None or not (data_dir / KEY_FILE).is_file():
        return None
    try:
        key = device_key(data_dir)
    except EdgeError:
        return None
    if signer_of(data) != public_hex(key):
        return None
    for spelt in (html.escape(person_id).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"), person_id):
        for before, after in WALKER:
            body = body.replace(before + spelt.encode() + after, before + ERASED + after)
    return sign_page(body, key)
