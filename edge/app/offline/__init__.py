"""The same pipeline over files: process clips, enhance pictures, explain and replay hits.

process    `edge process`, from the watchlist to the written results
contents   what a file or folder holds: clips, recordings or pictures
clips      a pipeline of its own for each clip
degrader   frames made worse on purpose
faces      each face as `tracks.jsonl` and the report tell it
report     one HTML page per language
enhance    `edge enhance`
explain    `edge explain` and `edge replay`
lines      `edge detect` and `edge embed`
"""
