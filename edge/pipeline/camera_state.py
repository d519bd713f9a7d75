"""What the pipeline keeps of one camera: its tracker, its tracked faces, and which of its frames are searched."""

from __future__ import annotations

from edge.pipeline.attention import Attention
from edge.pipeline.face import TrackedFace
from edge.records import Track
from edge.track import Tracker


class CameraState:
    """The state of one camera, from frame to frame."""

    def __init__(self, tracker: Tracker, attention: Attention) -> None:
        self.tracker = tracker
        self.attention = attention
        self.tracks: tuple[Track, ...] = ()
        """Those that were there after the last search."""
        self.faces: dict[int, TrackedFace] = {}

    def is_settled(self) -> bool:
        """Whether each track's face has given all its shots."""
        found = [self.faces.get(track.track_id) for track in self.tracks]
        return all(face is not None and face.is_settled for face in found)
