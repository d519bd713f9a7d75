"""Encryption for a recipient, as the program `age` does it (age-encryption.org/v1): age and OpenSSH keys.

Nothing but ciphertext touches the disk: the archive goes through a pipe.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import pyrage

from edge.errors import ConfigError, ImageError

MAGIC = b"age-encryption.org/v1\n"


def recipient_of(text: str) -> Any:
    """A recipient: `age1...`, an OpenSSH public key (Ed25519 or RSA), or a file that holds one. Raises ConfigError."""
    line = text.strip()
    if not line.startswith(("age1", "ssh-")):
        try:
            line = next(one.strip() for one in Path(text).read_text("utf-8").splitlines() if one.strip()[:1] not in "#")
        except (OSError, UnicodeDecodeError, StopIteration) as error:
            raise ConfigError(
                f"--recipient {text[:80]!r}: neither a key (age1..., ssh-ed25519 ...) nor a file with one ({error})"
            ) from None
    kind = pyrage.x25519.Recipient if line.startswith("age1") else pyrage.ssh.Recipient
    try:
        return kind.from_str(line)
    except pyrage.RecipientError as error:
        raise ConfigError(f"--recipient {line[:40]!r}: not an age or OpenSSH public key ({error})") from None


def identities_of(path: Path) -> list[Any]:
    """The private keys of a file: lines `AGE-SECRET-KEY-1...`, or one OpenSSH key without a passphrase."""
    try:
        data = path.read_bytes()
        lines = [line.strip() for line in data.decode("ascii").splitlines()]
        if found := [line for line in lines if line.startswith("AGE-SECRET-KEY-")]:
            return [pyrage.x25519.Identity.from_str(line) for line in found]
        return [pyrage.ssh.Identity.from_buffer(data)]
    except OSError as error:
        raise ConfigError(f"--identity {path}: can't be read ({error.strerror})") from None
    except (UnicodeDecodeError, pyrage.IdentityError) as error:
        raise ConfigError(f"--identity {path}: no private key of age or OpenSSH ({error})") from None


@contextlib.contextmanager
def encrypting(target: IO[bytes], recipients: Sequence[Any]) -> Iterator[IO[bytes]]:
    """A stream whose bytes arrive in `target` encrypted; OSError where that can't be written."""
    out, into = os.pipe()
    with _piping(lambda: pyrage.encrypt_io(os.fdopen(out, "rb"), target, list(recipients))) as failed:
        stream = os.fdopen(into, "wb")
        try:
            yield stream
            stream.close()
        except BrokenPipeError:
            pass  # the other side says why
        finally:
            # Left by an error, what is buffered goes nowhere: a half archive has no manifest.
            with contextlib.suppress(OSError):
                stream.close()
    if failed:
        raise failed[0] if isinstance(failed[0], OSError) else OSError(f"encryption failed: {failed[0]}")


@contextlib.contextmanager
def decrypting(source: IO[bytes], identities: Sequence[Any]) -> Iterator[IO[bytes]]:
    """A stream of what `source` holds, decrypted; ImageError where no key fits or the file is damaged."""
    out, into = os.pipe()

    def decrypt() -> None:
        with os.fdopen(into, "wb") as target, contextlib.suppress(BrokenPipeError):
            pyrage.decrypt_io(source, target, list(identities))

    problem: ImageError | None = None
    with _piping(decrypt) as failed:
        stream = os.fdopen(out, "rb")
        try:
            yield stream
            while stream.read(1 << 20):  # to the end, which is sealed too
                pass
        except ImageError as error:
            problem = error
        finally:
            stream.close()
    if failed and not isinstance(failed[0], BrokenPipeError):
        if isinstance(failed[0], pyrage.DecryptError):
            raise ImageError(f"it can't be decrypted with this key ({failed[0]}); give the right --identity")
        raise ImageError(f"it is damaged or half ({failed[0]}); take another copy of it")
    if problem is not None:
        raise problem


@contextlib.contextmanager
def _piping(work: Callable[[], object]) -> Iterator[list[Exception]]:
    """Run `work` on a thread while the block runs; what it raised is in the list afterwards."""
    failed: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  (raised by who waits)
            failed.append(error)

    thread = threading.Thread(target=run, name="age")
    thread.start()
    try:
        yield failed
    finally:
        thread.join()
