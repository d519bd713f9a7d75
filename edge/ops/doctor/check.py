"""One answer of the doctor: the thing checked, the verdict, the finding, and the fix. No finding shows a password."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from edge import disclosure

Status = Literal["pass", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """The answer of one check; it has a `fix` unless it passed."""

    name: str
    status: Status
    found: str
    fix: str | None = None

    def __post_init__(self) -> None:
        if (self.fix is None) != (self.status == "pass"):
            raise ValueError(f"check {self.name!r}: {self.status} with fix {self.fix!r}")
        object.__setattr__(self, "found", disclosure.hide(self.found))

    def as_json(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"name": self.name, "status": self.status, "found": self.found, "fix": self.fix}


def passed(name: str, found: str) -> Check:
    """All is well."""
    return Check(name, "pass", found)


def warned(name: str, found: str, fix: str) -> Check:
    """It works now, but needs attention."""
    return Check(name, "warn", found, fix)


def failed(name: str, found: str, fix: str) -> Check:
    """The appliance can't do its work."""
    return Check(name, "fail", found, fix)
