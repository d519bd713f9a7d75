"""Template filters: what an audited action did, and to what, in the words of one language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from edge.serve.page.wording.language import Translate

_ITEMS = re.compile(r"items (\S+) to (\S+)", re.ASCII)
_ADDRESSES = (
    (re.compile(r"/(?:commission/)?people/([^/]+)/(?:edit|picture)", re.ASCII), "person"),
    (re.compile(r"/box/zones/([^/]+)", re.ASCII), "camera"),
)
"""Addresses of pages about one thing, and what it is."""
_SAID_BY_THE_ACTION = re.compile(r"/[a-z]*|settings", re.ASCII)
"""A page without anything behind it, or the settings: "looked at the list" needs no "/people"."""
KINDS = ("user", "token", "hit", "person", "camera")
"""Words before the name of what an action was done to, as the store writes them."""

WHOLE = ("watchlist", "backup", "audit", "no such user")
"""What has no name of its own."""


class AuditWords:
    """The audit in one language."""

    def __init__(self, t: Translate) -> None:
        self._t = t

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """By the names that the templates use."""
        return {"audit_words": self.action, "audit_object": self.object}

    def action(self, action: str) -> str:
        """What an action did; one that the catalogue doesn't know is shown as it is."""
        key = f"audited.{action.replace('.', '_')}"
        return self._t(key) if self._t.has(key) else action

    def object(self, text: str) -> str:
        """What it was done to: a picture by first digits of its hash, an address as it is; empty where said already."""
        if _SAID_BY_THE_ACTION.fullmatch(text):
            return ""
        before, found, sha256 = text.partition("/api/v1/images/")
        if found and not before:
            return sha256[:12]
        if (items := _ITEMS.fullmatch(text)) is not None:
            return self._t("audit_object.items", first=items[1], last=items[2])
        for address, kind in _ADDRESSES:
            if (named := address.fullmatch(text)) is not None:
                return self._t(f"audit_object.{kind}", name=unquote(named[1]))
        kind, _, name = text.partition(" ")
        if name and kind in KINDS:
            return self._t(f"audit_object.{kind}", name=name)
        return self._t(f"audit_object.{text.replace(' ', '_')}") if text in WHOLE else text
