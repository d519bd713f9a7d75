"""Load tests of the web side: polls without news, many pullers, a video to examine, and slow clients;
and what cameras cost."""
