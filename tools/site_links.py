"""For `make docs`: the site holds only docs/, so links to other files of the repository become plain paths."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#]+)[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs with each page's text."""
    return _OUTSIDE.sub(r"\1 (`\2`)", markdown)
