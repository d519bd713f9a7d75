"""What of a recording was not looked at, or not as it was filmed: counted while it plays, and told at its end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_AGAIN = "record or copy the file again"


@dataclass(slots=True)
class Shortfall:
    """The counts of one pass through a file."""

    left_out: int = 0
    """Pictures that couldn't be decoded."""
    is_given_up: bool = False
    """Whether its index names more than the file can hold, and the rest was left out."""
    corrupt_packets: int = 0
    corrupt_frames: int = 0
    recordings: int = 1
    """Put behind one another in the file."""
    unread_recordings: int = 0
    side_by_side: int = 1
    """Videos that the file holds at one time."""

    def sentences(self, shown: str) -> Iterator[str]:
        """A sentence for each kind of thing; `shown` is the file's name."""
        if self.left_out:
            yield f"{shown}: damaged pictures that were left out: {self.left_out}; {_AGAIN}"
        if places := max(self.corrupt_packets, self.corrupt_frames):
            yield f"{shown}: damaged places where pictures may be missing or wrong: {places}; {_AGAIN}"
        if self.unread_recordings:
            yield (
                f"{shown}: recordings in it that can't be read: {self.unread_recordings} of {self.recordings}; {_AGAIN}"
            )
        if self.side_by_side > 1:
            yield (
                f"{shown}: holds {self.side_by_side} videos side by side, and only the first was looked at; "
                "export each as a file of its own"
            )
