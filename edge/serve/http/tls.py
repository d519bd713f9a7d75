"""TLS: the installer's certificate where one is given, else a self-signed one, made once and kept in `data_dir`.

A self-signed certificate proves nothing by itself: its fingerprint is logged, to be compared or pinned by clients. It
is made again before it expires, and when the device's name or host changes.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.config import ServeConfig
from edge.durable import replace
from edge.errors import ConfigError, StoreError
from edge.reach import is_encrypted

VALID_DAYS = 825
"""Longer-lived certificates are refused by some clients."""
RENEW_DAYS = 30


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """The TLS context to serve with, and its certificate's fingerprint."""

    context: ssl.SSLContext
    fingerprint: str
    """SHA-256 of the certificate, as `openssl x509 -fingerprint -sha256` writes it."""
    is_own: bool


def server_identity(config: ServeConfig, data_dir: Path, box_id: str) -> ServerIdentity | None:
    """Return what to serve with, or None if TLS is off; ConfigError if the given files can't be used."""
    require_usable(config)
    if not is_encrypted(config):
        return None
    cert, key = config.tls_cert, config.tls_key
    if cert is None or key is None:
        cert, key = _own_certificate(data_dir, box_id, config.host)
    return _loaded(config, cert, key)


def require_usable(config: ServeConfig) -> None:
    """Raise ConfigError where settings of TLS contradict each other, or the files they name can't be used."""
    if not is_encrypted(config):
        if config.client_ca is not None or config.tls_cert is not None:
            raise ConfigError('[serve] tls is off, but a certificate or client_ca is given: set tls = "on"')
        return
    if (config.tls_cert is None) != (config.tls_key is None):
        raise ConfigError("[serve] tls_cert and tls_key belong together: give both, or neither")
    if config.tls_cert is not None and config.tls_key is not None:
        _loaded(config, config.tls_cert, config.tls_key)


def identity_without_names(config: ServeConfig, data_dir: Path, scratch: Path) -> ServerIdentity | None:
    """As `server_identity`, where neither the device's name is known nor `data_dir` may be written.

    The device's own certificate is used as it lies there, whatever it names; one in `scratch` where there is none.
    """
    if not is_encrypted(config):
        return None
    if config.tls_cert is not None and config.tls_key is not None:
        return _loaded(config, config.tls_cert, config.tls_key)
    try:
        return _loaded(config, data_dir / "tls.crt", data_dir / "tls.key")
    except ConfigError:
        return _loaded(config, *_own_certificate(scratch, "edge", config.host))


def _loaded(config: ServeConfig, cert: Path, key: Path) -> ServerIdentity:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
        if config.client_ca is not None:
            context.load_verify_locations(config.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        fingerprint_ = fingerprint(cert.read_bytes())
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        files = f"{cert}, {key}" + (f", {config.client_ca}" if config.client_ca else "")
        raise ConfigError(f"{files}: can't be used for TLS ({error}); give PEM files that fit together") from None
    return ServerIdentity(context, fingerprint_, config.tls_cert is None)


def fingerprint(pem: bytes) -> str:
    """SHA-256 of the first certificate of a PEM file, in pairs of digits."""
    digest = x509.load_pem_x509_certificates(pem)[0].fingerprint(hashes.SHA256()).hex().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def _own_certificate(data_dir: Path, box_id: str, host: str) -> tuple[Path, Path]:
    """The self-signed certificate and key; made if they are missing, about to expire, or lack a name."""
    cert, key = data_dir / "tls.crt", data_dir / "tls.key"
    names = _names(box_id, host)
    if not (cert.is_file() and key.is_file() and _is_usable(cert, names)):
        secret = ec.generate_private_key(ec.SECP256R1())
        pem = secret.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            replace(key, pem)
            replace(cert, _sign(secret, box_id, names))
        except OSError as error:
            raise StoreError(f"{cert}: the certificate can't be written ({error.strerror}); check data_dir") from None
    return cert, key


def _sign(secret: ec.EllipticCurvePrivateKey, box_id: str, names: list[str]) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box_id[:64])])
    # The clock may still be at 1970: count from a recent date, or the certificate has expired once NTP answers.
    now = max(dt.datetime.now(dt.UTC), dt.datetime(2026, 11, 1, tzinfo=dt.UTC))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(secret.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative_name(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(secret, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def _is_usable(cert: Path, names: list[str]) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(cert.read_bytes())
        sans = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return False
    present = {str(value) for kind in (x509.DNSName, x509.IPAddress) for value in sans.get_values_for_type(kind)}
    runs_out = certificate.not_valid_after_utc - dt.datetime.now(dt.UTC) < dt.timedelta(days=RENEW_DAYS)
    return not runs_out and set(names) <= present


def _names(box_id: str, host: str) -> list[str]:
    given = [host] if host not in ("0.0.0.0", "::", "") else []
    return list(dict.fromkeys([*given, _dns_name(box_id), _dns_name(socket.gethostname()), "localhost", "127.0.0.1"]))


def _dns_name(name: str) -> str:
    """`name` with every character replaced that a DNS name can't have."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-.") else "-" for c in name).strip("-.")
    return kept or "edge"


def _alternative_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
