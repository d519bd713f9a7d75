"""For `make docs`: the site holds docs/ alone, so a link to another file of the repository becomes the file's path."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#]+)[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by mkdocs with each page's text."""
    return _OUTSIDE.sub(r"\1 (`\2`)", markdown)
