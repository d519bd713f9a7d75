"""Standard output and error, as commands find them: closed, full, or of an encoding that lacks letters.

Nothing is lost without a word: what can't be written is an error, and letters an encoding lacks are escaped.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from typing import TextIO

from edge.errors import EdgeError, ExitCode

_STDOUT, _STDERR = 1, 2


class OutputError(EdgeError):
    """The output can't be written: a full disk, a closed stream."""

    exit_code = ExitCode.STORAGE


class ReaderGone(Exception):
    """Who read the output has closed the pipe (`edge ... | head`), which is no error."""


class _Output(io.TextIOWrapper):
    """Standard output whose failures have names."""

    def write(self, text: str) -> int:
        """Write; OutputError or ReaderGone where that fails."""
        try:
            return super().write(text)
        except OSError as error:
            raise _output_error(error) from None

    def flush(self) -> None:
        """Flush; OutputError or ReaderGone where that fails."""
        try:
            super().flush()
        except OSError as error:
            raise _output_error(error) from None


def _output_error(error: OSError) -> Exception:
    if isinstance(error, BrokenPipeError):
        return ReaderGone()
    return OutputError(f"the output can't be written ({error.strerror}); free some space, or write it elsewhere")


def prepare() -> None:
    """Make both streams usable; called once, before anything is printed.

    A closed stream gets `/dev/null` in its place, or the next file to be opened would take its number, and what is
    printed would end up there. Standard output's can't be written, so that a command says what it could not print.
    """
    for number, mode in ((_STDOUT, os.O_RDONLY), (_STDERR, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            _put_null(number, mode)
    if sys.stderr is None:
        sys.stderr = open(_STDERR, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        sys.stdout = _wrapped(sys.stdout)


def _wrapped(stream: TextIO | None) -> TextIO:
    is_terminal = stream is not None and stream.isatty()
    encoding = "utf-8" if stream is None else stream.encoding
    buffer = io.BufferedWriter(io.FileIO(_STDOUT, "w", closefd=False))
    return _Output(buffer, encoding=encoding, errors="backslashreplace", line_buffering=is_terminal)


def finish() -> None:
    """Write out what is buffered; OutputError where that fails."""
    if sys.stdout is not None:
        sys.stdout.flush()


def abandon() -> None:
    """Give up what is buffered, so that Python doesn't try to write it at its end."""
    with contextlib.suppress(OSError):
        _put_null(_STDOUT, os.O_WRONLY)


def is_unicode(stream: TextIO) -> bool:
    """Whether a stream takes every letter as it is."""
    return (stream.encoding or "").lower().replace("-", "").replace("_", "").startswith("utf")


def _put_null(number: int, mode: int) -> None:
    opened = os.open(os.devnull, mode)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
