"""Signatures: the appliance's own on what it hands out, and OpenSSH's on what it takes in.

The appliance's key is Ed25519 and stays in the data directory; its fingerprint is what people write down and compare.
`check_ssh` reads what `ssh-keygen -Y sign -n edge-release` writes (OpenSSH's PROTOCOL.sshsig), Ed25519 keys alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.durable import replace
from edge.errors import ConfigError, ImageError, StoreError

KEY_FILE = "box.key"
NAMESPACE = b"edge-release"
_HASHES = {b"sha256": hashlib.sha256, b"sha512": hashlib.sha512}
_KIND = b"ssh-ed25519"


def device_key(data_dir: Path) -> Ed25519PrivateKey:
    """Return the appliance's key, and make it on the first call; only its owner can read it. Raises StoreError."""
    path = data_dir / KEY_FILE
    try:
        if not path.exists():
            data_dir.mkdir(parents=True, exist_ok=True)
            _write_new(path)
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise StoreError(f"{path}: can't be read or made ({error.strerror}); check who owns data_dir") from None
    except ValueError:
        raise StoreError(f"{path}: not a private key; move it away, and a new one is made") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreError(f"{path}: not an Ed25519 key; move it away, and a new one is made")
    return key


def public_hex(key: Ed25519PrivateKey) -> str:
    """The public half, 64 hexadecimal digits."""
    return key.public_key().public_bytes_raw().hex()


def fingerprint(public: str) -> str:
    """Short form of a public key for people to compare: SHA-256, first half, in groups of four."""
    digest = hashlib.sha256(bytes.fromhex(public)).hexdigest()[:32]
    return " ".join(digest[at : at + 4] for at in range(0, 32, 4))


def sign(data: bytes, key: Ed25519PrivateKey) -> str:
    """The key's signature over `data`, base64."""
    return base64.b64encode(key.sign(data)).decode("ascii")


def is_signed(data: bytes, public: str, signature: str) -> bool:
    """Whether the holder of `public` (hex) signed `data`; `signature` is base64."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(base64.b64decode(signature, validate=True), data)
    except (ValueError, binascii.Error, InvalidSignature):
        return False
    return True


def read_signers(path: Path) -> list[bytes]:
    """Raw Ed25519 keys of a file of OpenSSH public keys or allowed signers, one a line; raises ConfigError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the signers can't be read ({error}); check the setting `signers`") from None
    keys = []
    for line in lines:
        words = line.split()
        if _KIND.decode() in words[:-1] and not line.lstrip().startswith("#"):
            try:
                blob = base64.b64decode(words[words.index(_KIND.decode()) + 1], validate=True)
                kind, raw = _read_ssh_strings(blob, 2)
            except (ValueError, binascii.Error):
                raise ConfigError(f"{path}: not an OpenSSH public key: {line[:60]!r}; correct that line") from None
            if kind == _KIND:
                keys.append(raw)
    if not keys:
        raise ConfigError(f"{path}: holds no ssh-ed25519 key; put the release's public key there")
    return keys


def check_ssh(file: Path, armored: bytes, signers: list[bytes]) -> None:
    """Check a detached OpenSSH signature over a file's bytes; raises ImageError that says what is wrong."""
    try:
        blob = _dearmor(armored)
        if blob[:6] != b"SSHSIG" or struct.unpack(">I", blob[6:10])[0] != 1:
            raise ValueError("no OpenSSH signature")
        key_blob, namespace, reserved, hash_name, signature = _read_ssh_strings(blob[10:], 5)
        kind, raw = _read_ssh_strings(key_blob, 2)
        made_by, made = _read_ssh_strings(signature, 2)
    except (ValueError, binascii.Error, struct.error):
        raise ImageError(f"{file}: its signature is no OpenSSH signature; fetch both files again") from None
    if kind != _KIND or made_by != _KIND or hash_name not in _HASHES:
        raise ImageError(f"{file}: signed with {kind.decode(errors='replace')}; only ssh-ed25519 keys are accepted")
    if raw not in signers:
        raise ImageError(f"{file}: signed by a key that is not in `signers`; take it from whom you trust")
    if namespace != NAMESPACE:
        raise ImageError(f"{file}: signed for {namespace.decode(errors='replace')!r}, not for {NAMESPACE.decode()!r}")
    digest = _HASHES[hash_name]()
    with file.open("rb") as data:
        while part := data.read(1 << 20):
            digest.update(part)
    told = b"SSHSIG" + b"".join(_ssh_string(s) for s in (namespace, reserved, hash_name, digest.digest()))
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(made, told)
    except InvalidSignature:
        raise ImageError(f"{file}: the signature does not match: altered after signing; fetch it again") from None


def _dearmor(armored: bytes) -> bytes:
    lines = [line.strip() for line in armored.splitlines()]
    return base64.b64decode(b"".join(line for line in lines if line and not line.startswith(b"-----")), validate=True)


def _read_ssh_strings(blob: bytes, count: int) -> list[bytes]:
    """The first `count` length-prefixed strings (RFC 4251)."""
    found, at = [], 0
    for _ in range(count):
        if at + 4 > len(blob):
            raise ValueError("cut short")
        (size,) = struct.unpack(">I", blob[at : at + 4])
        if at + 4 + size > len(blob):
            raise ValueError("cut short")
        found.append(blob[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def _ssh_string(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def _write_new(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    replace(path, pem)
