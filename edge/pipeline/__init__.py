"""Frame in, hits out: the one place where the stages are wired. Service and offline commands drive the same.

`pipeline` runs the stages, `face` keeps what is known of one track, `draft` builds a hit from a match, `active_list` is
who is looked for at one moment. No clock, no thread, no file: the same frames give the same hits, bit for bit.
"""

from edge.pipeline.active_list import ActiveList
from edge.pipeline.draft import DeviceFacts, HitDraft, Shown
from edge.pipeline.pipeline import FrameResult, Pipeline, Stages, TrackEnd

__all__ = ["ActiveList", "DeviceFacts", "FrameResult", "HitDraft", "Pipeline", "Shown", "Stages", "TrackEnd"]
