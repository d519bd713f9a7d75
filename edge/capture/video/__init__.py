"""Videos: from files and, for what a decoder gives, from streams.

recordings, containers   frames and their times; which files are read
parts, endings           several recordings in one file; what was cut off
shaping, facts           decoded frames made whole, square and upright; what a stream is
kinds                    names of what can't be read
"""
