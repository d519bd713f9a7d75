"""Secrets that the service manager hands over as files (systemd.exec(5), CREDENTIALS). None is kept or logged.

A setting names one as `{credential:NAME}`, so that no password stands in the configuration file.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

from edge.errors import ConfigError

_PLACE = re.compile(r"\{credential:([A-Za-z0-9._-]+)\}")


def read(name: str) -> str | None:
    """The secret called `name`, without the line end; None if there is none."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        return None
    try:
        return (Path(folder) / name).read_text("utf-8").rstrip("\r\n")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"credential {name!r}: can't be read ({error}); set it again as UTF-8 text") from None


def names(text: str) -> list[str]:
    """The secrets that a setting names."""
    return _PLACE.findall(text)


def peek(name: str) -> str | None:
    """`read`, but None also for a secret that can't be read: whoever needs it will say so."""
    try:
        return read(name)
    except ConfigError:
        return None


def fill(url: str) -> str:
    """Put secrets in the place of `{credential:NAME}` in a URL, quoted as its parts need it."""

    def secret(place: re.Match[str]) -> str:
        found = read(place[1])
        if found is None:
            raise ConfigError(
                f"credential {place[1]!r}: was not passed on; add it to the unit with LoadCredential, or run this "
                "command as the installed `edge` does"
            )
        return quote(found, safe="")

    return _PLACE.sub(secret, url)
