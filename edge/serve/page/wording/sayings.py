"""What stages, cameras and store say in English, in the page's language: known sentences, by their English wording.

`catalogue/LANGUAGE_sayings.toml` holds them. A key is the English sentence with `{blanks}`; the text is the other
language's, with the same blanks. A blank `said` holds a sentence that has to be known itself, or several with commas,
semicolons or `and` between them; `word` is put into the language where it is known; any other blank stays as it is,
but for the marks in numbers. A place before a sentence (`rtsp://gate/: ...`) stays as it is, too.
"""

from __future__ import annotations

import functools
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

FOLDER = Path(__file__).parent.parent / "catalogue"
GERMAN_NUMBERS = str.maketrans({",": ".", ".": ","})
MAX_CHARACTERS = 1000
"""Longer texts are shown as they are."""
_NUMBER = re.compile(r"\d+(,\d{3})*(\.\d+)?", re.ASCII)
_JOINTS = ((". ", ". "), ("; ", "; "), (", ", ", "), (" and ", " und "))
_AGAIN = 6
"""Sentences within sentences at most."""


@dataclass(frozen=True, slots=True)
class _Saying:
    pattern: re.Pattern[str]
    text: str


class Sayings:
    """The sentences of one language; of English none, for they need no other words."""

    def __init__(self, language: str) -> None:
        path = FOLDER / f"{language}_sayings.toml"
        known = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
        self._whole: Mapping[str, str] = {key: text for key, text in known.items() if "{" not in key}
        with_blanks = sorted((key for key in known if "{" in key), key=_num_letters, reverse=True)
        self._sayings = tuple(_Saying(_pattern_of(key), known[key]) for key in with_blanks)

    def say(self, text: str) -> str | None:
        """The sentence in this language; None where it is not known, or too long."""
        return self._say(text, 0) if len(text) <= MAX_CHARACTERS else None

    def _say(self, text: str, depth: int) -> str | None:
        if (found := self._whole.get(text)) is not None:
            return found
        if depth > _AGAIN:
            return None
        if (parts := self._parts(text, depth)) is not None:  # first: a blank would take in what follows
            return parts
        for saying in self._sayings:
            if (match := saying.pattern.fullmatch(text)) is None:
                continue
            blanks = {name: self._fill(name, value, depth) for name, value in match.groupdict().items()}
            if None not in blanks.values():
                return saying.text.format(**blanks)
        return self._after_place(text, depth)

    def _fill(self, name: str, value: str, depth: int) -> str | None:
        if name.startswith(("said", "word")) and (said := self._say(value, depth + 1)) is not None:
            return said
        if name.startswith("said"):
            return None
        return value.translate(GERMAN_NUMBERS) if _NUMBER.fullmatch(value) else value

    def _parts(self, text: str, depth: int) -> str | None:
        """Several known sentences one after the other."""
        for joint, own in _JOINTS:
            at = text.find(joint)
            while at >= 0:
                first = self._say(text[:at], depth + 1)
                rest = None if first is None else self._say(text[at + len(joint) :], depth + 1)
                if rest is not None:
                    return f"{first}{own}{rest}"
                at = text.find(joint, at + 1)
        return None

    def _after_place(self, text: str, depth: int) -> str | None:
        place, found, rest = text.partition(": ")
        said = self._say(rest, depth + 1) if found else None
        return None if said is None else f"{self._whole.get(place, place)}: {said}"


@functools.cache
def sayings_of(language: str) -> Sayings:
    """The sentences of a language, read once."""
    return Sayings(language)


@functools.lru_cache(maxsize=512)
def shown(language: str, text: str) -> Markup:
    """A sentence as a page shows it: in its language, or marked as English where it is not known."""
    if language == "en":
        return escape(text)
    said = sayings_of(language).say(text)
    return escape(said) if said is not None else Markup('<span lang="en">{}</span>').format(text)


def _num_letters(key: str) -> int:
    """Letters beside the blanks: the more, the closer a sentence is described."""
    return sum(len(literal) for literal, _, _, _ in string.Formatter().parse(key))


def _pattern_of(key: str) -> re.Pattern[str]:
    parts = []
    for literal, blank, _, _ in string.Formatter().parse(key):
        parts.append(re.escape(literal))
        if blank is not None:
            parts.append(f"(?P<{blank}>.+?)")
    return re.compile("".join(parts), re.DOTALL)
