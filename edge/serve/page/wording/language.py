"""The page's languages: one catalogue file each, all with the same keys. No text of the page is written elsewhere."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

FOLDER = Path(__file__).parent.parent / "catalogue"
DEFAULT = "en"
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}
"""Language code and the language's own name, in the order of the menu."""


class Translate:
    """Texts of one language. `t("hits.title")` gives safe HTML; values for `{...}` are escaped; KeyError if missing."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = _catalogue(language)

    def __call__(self, key: str, /, **values: object) -> Markup:
        """The text of a key."""
        text = escape(self._texts[key])
        return text.format(**values) if values else text

    def has(self, key: str) -> bool:
        """Whether there is a text for `key`: for keys made of data (states, field names), which may be unknown here."""
        return key in self._texts

    def texts(self, prefix: str) -> dict[str, str]:
        """Texts whose keys begin with `prefix`, keyed without it; base.html hands those of `js.` to the scripts."""
        return {key[len(prefix) :]: text for key, text in self._texts.items() if key.startswith(prefix)}


@functools.cache
def _catalogue(language: str) -> Mapping[str, str]:
    return dict(_flat(tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flat(value, f"{prefix}{name}.")


def load() -> dict[str, Translate]:
    """Load the catalogues of all languages, by language code."""
    return {language: Translate(language) for language in LANGUAGES}


def choose(own: str | None, accept: str, otherwise: str = DEFAULT) -> str:
    """Choose the user's own language, else the best of Accept-Language that we have, else the site's."""
    if own in LANGUAGES:
        return str(own)
    accepted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")[:20]):
        name, _, weight = part.strip().partition(";q=")
        try:
            accepted.append((-float(weight or 1), place, name.split("-")[0].lower()))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(accepted) if name in LANGUAGES), otherwise)


def preparing_words(t: Translate, steps: Iterable[Mapping[str, Any]]) -> str:
    """What of `box.preparing` is still being done, in words; empty when nothing is."""
    told = []
    for step in steps:
        words = t(f"preparing.{step['step']}")
        told.append(
            t("preparing.count", step=words, done=step["done"], total=step["total"]) if step["total"] else words
        )
    return "; ".join(told)
