"""How a text may be spelt in what the program writes: in JSON, in addresses, in HTML. Finds it in all of them.

A text of a few letters counts only where it is a whole value: as a part it would be found everywhere.
"""

from __future__ import annotations

import base64
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote, unquote_plus

LEAST_PART = 4
CHUNK = 1 << 20
_SAFE = ("", "/", "!$&'()*+,;=:@/", "!$'()*,;:@/?")
"""What different programs leave as it is when they write a text into an address."""
_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
"""Characters as JSON writes them for readers of ASCII."""
_WITHIN = re.compile(r"\\+(?=u[0-9a-fA-F]{4})")
"""Each time that JSON is written into JSON, its backslashes are doubled."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}", re.ASCII)
_URL_SAFE = str.maketrans("-_", "+/")
_BLANKS = re.compile(r"\s+")


class Wanted:
    """Texts to look for in many others, in whatever spelling, letters composed or not, large or small."""

    def __init__(self, words: Iterable[str]) -> None:
        self._long: list[tuple[str, tuple[str, ...]]] = []
        self._short: list[tuple[str, str, tuple[str, ...]]] = []
        for word in dict.fromkeys(filter(None, words)):
            folded = _folded(word)
            inner = [
                json.dumps(one, ensure_ascii=is_ascii)[1:-1]
                for one in (folded, word.lower())
                for is_ascii in (False, True)
            ]
            spelt = dict.fromkeys((folded, *inner))
            if len(folded) >= LEAST_PART:
                self._long.append((word, tuple(spelt)))
            else:
                self._short.append((word, folded, tuple(f'"{one}"' for one in spelt)))

    def named_in(self, text: str) -> Iterator[str]:
        """Those that the text names."""
        readings = _readings(text)
        for word, spelt in self._long:
            if any(one in reading for reading in readings for one in spelt):
                yield word
        values = {part for reading in readings for part in re.split(r"[/?&=]", reading)} if self._short else set()
        for word, folded, spelt in self._short:
            if folded in values or any(one in reading for reading in readings for one in spelt):
                yield word

    def is_named_in(self, text: str) -> bool:
        """Whether the text names one of them."""
        return next(self.named_in(text), None) is not None


def mentions(text: str, wanted: Iterable[str]) -> bool:
    """Whether the text names one of `wanted`."""
    return Wanted(wanted).is_named_in(text)


def _readings(text: str) -> set[str]:
    """What a text may say: as it is, and as an address in UTF-8 or by an old program, as HTML, as JSON."""
    found = {text}
    if "%" in text or "+" in text:
        found |= {unquote(text), unquote_plus(text), unquote(text, "latin-1"), unquote_plus(text, "latin-1")}
    if "&" in text:
        found.add(html.unescape(text))
    if "\\u" in text:
        found |= {_ESCAPED.sub(_unescape, one) for one in (text, _WITHIN.sub(r"\\", text))}
    found |= {unquote(one) for one in found if "%" in one}
    found |= {said for one in _BASE64.findall(text) if (said := _from_base64(one)) is not None}
    return {_folded(one) for one in found}


def _from_base64(text: str) -> str | None:
    """What a word says if it is base64, of either alphabet; None where that is no text."""
    plain = text.translate(_URL_SAFE)
    try:
        said = base64.b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except ValueError:
        return None
    return said if said.isprintable() else None


def _folded(text: str) -> str:
    """A form in which equal names are equal, however they were typed."""
    if text.isascii():
        return _BLANKS.sub(" ", text.lower())
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()))


def _unescape(found: re.Match[str]) -> str:
    units = bytes.fromhex(found[0].replace("\\u", ""))
    return units.decode("utf-16-be", "replace")


def spellings(word: str) -> tuple[bytes, ...]:
    """All spellings of a text as bytes, for files that are searched as they are."""
    typed = [unicodedata.normalize(form, one) for one in (word, word.lower()) for form in ("NFC", "NFD")]
    return tuple(dict.fromkeys(found for one in dict.fromkeys([word, *typed]) for found in _encoded(one)))


def _encoded(word: str) -> list[bytes]:
    inner = [word, json.dumps(word, ensure_ascii=False)[1:-1], json.dumps(word)[1:-1]]
    if len(word) < LEAST_PART:
        whole = [f'"{one}"' for one in inner] + [f"/{quote(word, safe='', errors='surrogatepass')}/"]
        return [one.encode("utf-8", "surrogatepass") for one in whole]
    asked = [quote(word, safe=safe, errors="surrogatepass") for safe in _SAFE]
    asked.append(quote_plus(word, errors="surrogatepass"))
    asked += [re.sub("%..", lambda code: code[0].lower(), one) for one in asked]
    marked = [html.escape(word), html.escape(word).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")]
    return [*(one.encode("utf-8", "surrogatepass") for one in (*inner, *asked, *marked)), *_in_base64(word)]


def _in_base64(word: str) -> Iterator[bytes]:
    """What is the same of a text in base64, wherever in what is encoded it stands."""
    data = word.encode("utf-8", "surrogatepass")
    for before in range(3):
        first = -(-8 * before // 6)  # the characters that also hold bits of what stands before
        last = 8 * (before + len(data)) // 6
        if last - first >= 2 * LEAST_PART:
            standard = base64.b64encode(bytes(before) + data + bytes(2))[first:last]
            yield from dict.fromkeys((standard, standard.translate(bytes.maketrans(b"+/", b"-_"))))


def file_mentions(path: Path, needles: Iterable[bytes]) -> bool:
    """Whether a file, or its name, holds one of the byte strings; a file that is gone or can't be read holds none."""
    needles = tuple(needles)
    if not needles:
        return False
    name, overlap = str(path.name).encode("utf-8", "surrogateescape"), max(map(len, needles)) - 1
    if any(one in name for one in needles):
        return True
    before = b""
    try:
        with path.open("rb") as file:
            while part := file.read(CHUNK):
                window = before + part
                if any(one in window for one in needles):
                    return True
                before = window[-overlap:] if overlap else b""
    except OSError:
        return False
    return False
