"""What templates of one language can use: texts and filters. Of the page, and of reports and sheets of `app`."""

from __future__ import annotations

import functools
from types import CodeType

import jinja2
from jinja2.bccache import Bucket

from edge.serve.page.wording.audited import AuditWords
from edge.serve.page.wording.became import FaceWords
from edge.serve.page.wording.language import Translate
from edge.serve.page.wording.words import Words
from edge.serve.page.wording.zone import SiteZone


class Compiled(jinja2.BytecodeCache):
    """Compiled templates, for the next environment that would compile the same: at a start one page follows another."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Called by jinja2 before it compiles."""
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Called by jinja2 after it has compiled."""
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


@functools.cache
def _compiled(language: str, zone: str) -> Compiled:
    """One for each set of filters: what a filter makes of a constant is compiled in."""
    return Compiled()


def make_environment(package: str, t: Translate, zone: SiteZone) -> jinja2.Environment:
    """Load the templates of a package; every value is escaped, a missing one is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_compiled(t.language, zone.name),
    )
    words = Words(t, zone)
    environment.filters.update({**words.filters(), **AuditWords(t).filters(), **FaceWords(t, words).filters()})
    environment.globals["t"] = t
    return environment
