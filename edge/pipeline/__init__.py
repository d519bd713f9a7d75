"""Frame in, hits out: the one place where the stages are wired. Service and offline commands drive the same.

`pipeline` runs the stages, `face` keeps what is known of one track, `draft` turns an answer into a hit, `watch` is the
people looked for at one moment. No clock, no thread, no file: the same frames give the same hits, bit for bit.
"""

from edge.pipeline.active_list import Watch
from edge.pipeline.draft import BoxFacts, HitDraft, Shown
from edge.pipeline.pipeline import FrameResult, Pipeline, Stages, TrackEnd

__all__ = ["BoxFacts", "FrameResult", "HitDraft", "Pipeline", "Shown", "Stages", "TrackEnd", "Watch"]
