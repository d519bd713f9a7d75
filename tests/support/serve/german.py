"""Finds English on a German page: texts of the English catalogue, sentences of English words, what is marked so."""

from __future__ import annotations

import re
import string
from html.parser import HTMLParser

from edge.serve.page.wording.language import Translate

_WORDS = (
    "the is are be been not of to and or for with without from by this that these it its has have had can't can could "
    "no yes at on as than then when where who whom which what why how any all every each more most other another "
    "again still only already here there their them they you your if but until since before after between under "
    "does doesn't did done was were will would should must may might"
)
ENGLISH_WORDS = frozenset(_WORDS.split())
STRONG_WORDS = frozenset({"the", "of", "which", "there", "with", "this", "has"})
"""One of these is enough."""
ALSO_GERMAN = frozenset({"was", "an", "am", "so", "in", "war", "all", "also", "man", "die", "on", "will"})
SPOKEN = ("alt", "title", "placeholder", "aria-label", "data-said", "data-label", "data-mark")


class Texts(HTMLParser):
    """Texts of a page that people read or hear, and those that it marks as English."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.english: list[str] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        self.texts += [text for name in SPOKEN if (text := about.get(name))]
        if tag not in {"img", "input", "meta", "link", "br", "rect", "image"}:
            self._open.append((tag, about.get("lang") == "en" and tag != "option"))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not (text := " ".join(data.split())) or any(tag in {"script", "style"} for tag, _ in self._open):
            return
        self.texts.append(text)
        if any(is_english for _, is_english in self._open):
            self.english.append(text)


def patterns() -> list[re.Pattern[str]]:
    """Texts of the English catalogue that read otherwise in German, blanks open."""
    german = Translate("de").texts("")
    made = []
    for key, text in Translate("en").texts("").items():
        if text != german[key] and len(re.findall("[A-Za-z]", re.sub(r"\{\w+\}", "", text))) > 2:
            parts = [re.escape(one) + (".+?" if blank is not None else "") for one, blank, _, _ in parse(text)]
            made.append(re.compile("".join(parts), re.DOTALL))
    return made


def parse(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    return list(string.Formatter().parse(text))


CATALOGUE = patterns()
SAME = set(Translate("de").texts("").values())
"""Words such as "Name" stand in both languages, for other keys, too."""


def english_in(page: str) -> list[str]:
    """What of a German page is English."""
    read = Texts()
    read.feed(page)
    found = list(read.english)
    for text in read.texts:
        words = set(re.findall(r"[a-z']+", text.lower())) & (ENGLISH_WORDS - ALSO_GERMAN)
        if (
            len(words) >= 2
            or words & STRONG_WORDS
            or (text not in SAME and any(one.fullmatch(text) for one in CATALOGUE))
        ):
            found.append(text)
    return found
