"""The page's languages: one catalogue file each, all with the same keys. No text of the page is written elsewhere."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

FOLDER = Path(__file__).parent / "catalogue"
DEFAULT = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""Code and own name."""


class Translate:
    """Texts of one language: `t("hits.title")`; values fill `{...}`, escaped; a missing key is an error."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = dict(_flat(tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))))

    def __call__(self, key: str, /, **values: object) -> Markup:
        """The text of a key."""
        text = escape(self._texts[key])
        return text.format(**values) if values else text

    def plain(self, key: str, /, **values: object) -> str:
        """The text of a key, for where it is not put into HTML."""
        return self._texts[key].format(**values) if values else self._texts[key]

    def has(self, key: str) -> bool:
        """Whether the catalogue has the key; for words about what others name (statuses, fields)."""
        return key in self._texts

    def texts(self, prefix: str) -> dict[str, str]:
        """All texts under a prefix, without it: what a script needs, handed over in a data attribute."""
        return {key[len(prefix) :]: text for key, text in self._texts.items() if key.startswith(prefix)}

    def keys(self) -> frozenset[str]:
        """All keys."""
        return frozenset(self._texts)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")


def load() -> dict[str, Translate]:
    """All languages."""
    return {language: Translate(language) for language in LANGUAGES}


def choose(own: str | None, accept: str) -> str:
    """The user's own choice, else the first language of the header Accept-Language that there is, else English."""
    if own in LANGUAGES:
        return str(own)
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, name.split("-")[0].lower()))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(wanted) if name in LANGUAGES), DEFAULT)
