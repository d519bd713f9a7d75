"""Frame in, hits out: the one place where the stages are wired. The service and the offline commands both use it.

`pipeline` runs the stages with a `camera_state` for each camera, `attention` chooses the frames that are searched at a
`pace`, and which `regions` of them, `newcomers` searches them, `stills` judges single pictures, `face` holds what is
known of one track, `sameness` whether that is still one face, `shots` makes its shots, `draft` builds a hit from a
match, `results` are what all that comes to. `active_list` holds the people looked for, `limits` what a match needs,
`places` where in the picture faces count, `reliability` the weight of a shot, `two_faces` what a hit says of captured
and enhanced face. No clock, no thread, no file: the same frames give the same hits, bit for bit.
"""

from edge.pipeline.active_list import ActiveList
from edge.pipeline.draft import DeviceFacts, HitDraft, Shown
from edge.pipeline.pipeline import Pipeline, Stages
from edge.pipeline.results import FrameResult, TrackEnd

__all__ = ["ActiveList", "DeviceFacts", "FrameResult", "HitDraft", "Pipeline", "Shown", "Stages", "TrackEnd"]
