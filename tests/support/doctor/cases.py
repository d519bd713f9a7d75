"""A machine and certificates for the doctor's tests: sysfs as files, keys made on the spot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.config import Config
from edge.ops.doctor import Check

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
DEVICE = (179, 2)

Case = tuple[Callable[[Path], Check], str, str, str]
"""What breaks it, the check's name, the status it gets, and words of its fix line."""


def put(path: Path, text: str) -> Path:
    """A small file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "ascii")
    return path


def flash_card(
    root: Path, *, life: str = "0x01 0x01", end: str = "0x01", written_gb: float = 1, hours: float = 48
) -> Path:
    """sysfs and proc of a machine with a 32 GB card, its second partition holding the data."""
    disk = root / "sys/devices/mmc/block/mmcblk0"
    put(disk / "size", f"{32_000_000_000 // 512}\n")
    put(disk / "stat", f"1 0 8 0 1 0 {int(written_gb * 1e9 / 512)} 0 0 0 0\n")
    put(disk / "queue/rotational", "0\n")
    put(disk / "device/life_time", life + "\n")
    put(disk / "device/pre_eol_info", end + "\n")
    put(disk / "mmcblk0p2/partition", "2\n")
    put(root / "proc/uptime", f"{hours * 3600:.2f} 1.0\n")
    link = root / "sys/dev/block/179:2"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(disk / "mmcblk0p2")
    return root


def certificate(folder: Path, *, days: float = 365, name: str = "gate", mode: int = 0o600) -> tuple[Path, Path]:
    """A self-signed certificate and its key; `days` may be negative."""
    secret = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - dt.timedelta(days=400))
        .not_valid_after(NOW + dt.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(secret, hashes.SHA256())
    )
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    key.chmod(mode)
    return cert, key


def config_of(folder: Path, **changes: object) -> Config:
    return Config(data_dir=folder / "data").model_copy(update=changes)


def one(checks: Iterable[Check], name: str) -> Check:
    """The check of that name."""
    (found,) = [check for check in checks if check.name == name]
    return found
