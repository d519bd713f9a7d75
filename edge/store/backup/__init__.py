"""A data directory as one file, and back.

parts     what a backup holds, and where copies lie for a while
archive   the file: members, hashes, manifest
age       encryption for a recipient
create    made while the service runs
restore   looked through, unpacked beside the data, and swapped in
"""
