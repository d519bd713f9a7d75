"""How others reach the appliance: its port, and the certificate it shows."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edge.config import Config
from edge.ops.doctor.check import Check, failed, passed, warned
from edge.reach import is_encrypted, local_address

SOON = dt.timedelta(days=30)
_ANY = ("0.0.0.0", "::")


def is_service_answering(config: Config) -> bool:
    """Whether a service of ours answers where this one would."""
    try:
        with socket.create_connection((local_address(config.serve), config.serve.port), timeout=1.0) as plain:
            link: socket.socket = plain
            if is_encrypted(config.serve):
                context = ssl.create_default_context()
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                link = context.wrap_socket(plain)
            link.sendall(b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b"200" in link.recv(64)
    except ssl.SSLError as error:
        # The service answers, but accepts only clients with a certificate.
        return "CERTIFICATE_REQUIRED" in str(error.reason)
    except OSError:
        return False


def check_port(config: Config, is_running: bool) -> Check:
    """Does the service answer, or could it?"""
    where = f"{config.serve.host}:{config.serve.port}"
    if is_running:
        return passed("port", f"the service answers on {where}")
    family = socket.AF_INET6 if ":" in config.serve.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.serve.host, config.serve.port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            fix = "stop the other program, set serve.port to a free one, or serve.host to an address of this box"
            return failed("port", f"{where}: {why}", fix)
    return passed("port", f"{where} is free")


def check_certificate(config: Config, now: dt.datetime, hostname: str) -> Iterator[Check]:
    """Check expiry, names and key of the certificate in use: the installer's, or the one the service makes."""
    name = "certificate"
    if not is_encrypted(config.serve):
        yield passed(name, "none is needed: the page is bound to this machine")
        return
    is_own = config.serve.tls_cert is None
    cert = config.serve.tls_cert or config.data_dir / "tls.crt"
    key = config.serve.tls_key or config.data_dir / "tls.key"
    if is_own and not cert.exists():
        yield passed(name, "the box makes its own when it first starts")
        return
    renew = "restart the service, it makes a new one" if is_own else "get a new one, and put it at serve.tls_cert"
    try:
        found = x509.load_pem_x509_certificates(cert.read_bytes())[0]
    except (OSError, ValueError, IndexError) as error:
        yield failed(name, f"{cert} can't be read ({error})", renew)
        return
    yield _dates(name, cert, found, now, renew)
    if not is_own:
        yield _names(config, found, hostname)
    yield _key(key, found)
    if config.serve.client_ca is not None:
        yield _authority(config.serve.client_ca, now)


def _dates(name: str, path: Path, found: x509.Certificate, now: dt.datetime, renew: str) -> Check:
    ends = found.not_valid_after_utc
    told = f"{path} is good until {ends:%Y-%m-%d}"
    if now >= ends:
        return failed(name, f"{path} ran out on {ends:%Y-%m-%d}", renew)
    if now < found.not_valid_before_utc:
        return failed(name, f"{path} begins on {found.not_valid_before_utc:%Y-%m-%d}", f"set the clock, or {renew}")
    return warned(name, told, renew) if ends - now < SOON else passed(name, told)


def _names(config: Config, found: x509.Certificate, hostname: str) -> Check:
    """Check that an installer's certificate carries the name by which clients call the appliance."""
    wanted = hostname if config.serve.host in _ANY else config.serve.host
    try:
        sans = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        sans = x509.SubjectAlternativeName([])
    names = sans.get_values_for_type(x509.DNSName)
    told = [*names, *map(str, sans.get_values_for_type(x509.IPAddress))]
    bare = wanted.partition(".")[0]
    is_named = wanted in told or any(one.partition(".")[0] in (bare, "*") for one in names if not _is_ip(wanted))
    if is_named:
        return passed("certificate names", ", ".join(told))
    fix = f"get a certificate with {wanted} among its names: browsers and servers refuse others"
    return warned("certificate names", f"{', '.join(told) or 'none'}; not {wanted}", fix)


def _key(path: Path, found: x509.Certificate) -> Check:
    name = "certificate key"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        secret = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        return failed(name, f"{path} can't be read ({error})", "give the service's user an unencrypted PEM key to read")
    encoding, kind = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    if secret.public_key().public_bytes(encoding, kind) != found.public_key().public_bytes(encoding, kind):
        return failed(name, f"{path} does not belong to the certificate", "give the two that were made together")
    if mode & 0o077:
        return failed(name, f"{path} may be read by others (mode {mode:04o})", f"chmod 600 {path}")
    return passed(name, f"{path}, for its owner alone")


def _authority(path: Path, now: dt.datetime) -> Check:
    try:
        ends = min(one.not_valid_after_utc for one in x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        return failed("client authority", f"{path} can't be read ({error})", "give a PEM file at serve.client_ca")
    told = f"{path} is good until {ends:%Y-%m-%d}"
    if ends - now < SOON:
        return (failed if now >= ends else warned)("client authority", told, "get a new one from who runs the servers")
    return passed("client authority", told)


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
