"""The errors this package raises on purpose, with the exit code and HTTP status of each.

    EdgeError
      ConfigError     bad or missing setting            -> exit 78
      ModelError      absent, wrong hash, wrong shape   -> exit 78
        AnswerError     answered what is no number      -> exit 78
      CameraError     gave up after bounded retries     -> exit 69
      StoreError      disk full, corrupt, newer schema  -> exit 74, HTTP 503
        NotFoundError   names what is not kept          -> exit 65, HTTP 404
        ConflictError   is there already                -> exit 65, HTTP 409
          PreconditionError  changed since it was read  -> exit 65, HTTP 412
      ImageError      wrong shape, dtype, size, range   -> exit 65, HTTP 422
      PersonIdError   an id no new person may have      -> exit 65, HTTP 422
      ExpiryError     an entry that would end in the past -> exit 65, HTTP 422
      CursorError     not ours -> HTTP 400; expired -> HTTP 410
      AuthError       HTTP 401, 403, 429
      ServiceError    a port in use, a service away     -> exit 69, HTTP 503
        NotReadyError   has just started                -> exit 69, HTTP 503
      ReleaseError    an update refused or taken back   -> exit 1

A message is one paragraph: what happened, where, what to do.
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit codes of every `edge` command (sysexits.h where it has one)."""

    OK = 0
    FAILED = 1
    USAGE = 2
    DATA = 65
    UNAVAILABLE = 69
    STORAGE = 74
    CONFIG = 78


class EdgeError(Exception):
    """Base of every error raised on purpose."""

    exit_code: ExitCode = ExitCode.FAILED
    http_status: int = 500
    retry_after_s: int | None = None
    """Seconds after which to ask again; None where that would not help."""


class ConfigError(EdgeError):
    """A setting is bad or missing."""

    exit_code = ExitCode.CONFIG


class ModelError(EdgeError):
    """A model file is absent, altered, or not of the shape its manifest promises."""

    exit_code = ExitCode.CONFIG


class AnswerError(ModelError):
    """A loaded model answered something that is no number, or a vector of no direction, for one picture."""


class CameraError(EdgeError):
    """A frame source can't be opened or has given up after bounded retries."""

    exit_code = ExitCode.UNAVAILABLE
    http_status = 503
    retry_after_s = 10


class ServiceError(EdgeError):
    """A service can't be reached or can't start, such as a port in use."""

    exit_code = ExitCode.UNAVAILABLE
    http_status = 503
    retry_after_s = 10


class NotReadyError(ServiceError):
    """The service has just started, and can't do this yet."""

    retry_after_s = 60


class ReleaseError(EdgeError):
    """A release can't be used, or did not work and was rolled back."""


class StoreError(EdgeError):
    """The data directory can't be read or written."""

    exit_code = ExitCode.STORAGE
    http_status = 503
    retry_after_s = 10


class ImageError(EdgeError):
    """An image has the wrong shape, dtype, size or range, or can't be decoded."""

    exit_code = ExitCode.DATA
    http_status = 422


class PersonIdError(EdgeError):
    """An id that a new person may not have."""

    exit_code = ExitCode.DATA
    http_status = 422


class ExpiryError(EdgeError):
    """The end given to an entry is past: it would never match."""

    exit_code = ExitCode.DATA
    http_status = 422


class CursorError(EdgeError):
    """A feed cursor we never issued."""

    exit_code = ExitCode.DATA
    http_status = 400


class CursorExpiredError(CursorError):
    """A feed cursor that is too old, or from before a restore; carries what was lost."""

    http_status = 410

    def __init__(
        self, message: str, *, oldest: str, lost: int, span: tuple[str | None, str | None], is_least: bool = False
    ) -> None:
        """`is_least`: more may be lost than can be counted."""
        super().__init__(message)
        self.is_least = is_least
        self.oldest = oldest
        self.lost = lost
        self.span = span


class AuthError(EdgeError):
    """Not logged in (401), not allowed (403), or too often (429)."""

    http_status = 401

    def __init__(self, message: str, *, status: int = 401, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.http_status = status
        self.retry_after_s = retry_after_s


class PasswordError(AuthError):
    """A new password that is too short or too long."""

    exit_code = ExitCode.DATA

    def __init__(self, message: str) -> None:
        super().__init__(message, status=422)


class NotFoundError(StoreError):
    """A person, hit, user or picture that is not kept, or not any more."""

    exit_code = ExitCode.DATA
    http_status = 404


class ConflictError(StoreError):
    """What is to be added exists already, or contradicts something that does."""

    exit_code = ExitCode.DATA
    http_status = 409


class PreconditionError(ConflictError):
    """What is to be changed has changed since it was read."""

    http_status = 412
