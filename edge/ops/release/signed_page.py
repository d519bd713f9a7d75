"""Pages signed by the appliance in their last line, over every byte before it."""

from __future__ import annotations

import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.ops.release.signing import is_signed, public_hex, sign

_SIGNATURE = re.compile(rb"<!-- edge-signature ed25519 ([0-9a-f]{64}) ([A-Za-z0-9+/=]{88}) -->\n\Z")


def sign_page(body: bytes, key: Ed25519PrivateKey) -> bytes:
    """The page with its signature as the last line; `body` ends with a line's end."""
    return body + f"<!-- edge-signature ed25519 {public_hex(key)} {sign(body, key)} -->\n".encode("ascii")


def body_of(data: bytes) -> bytes | None:
    """The page without its signature; None where it carries none."""
    found = _SIGNATURE.search(data)
    return None if found is None else data[: found.start()]


def signer_of(data: bytes) -> str | None:
    """The public key (hex) that signed the page as it is; None where a byte was changed, or nobody signed it."""
    found = _SIGNATURE.search(data)
    if found is None:
        return None
    public = found[1].decode("ascii")
    return public if is_signed(data[: found.start()], public, found[2].decode("ascii")) else None
