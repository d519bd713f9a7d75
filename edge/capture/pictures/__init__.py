"""Pictures and folders of them.

images, stills   pictures and folders as sources; one still
headers          what a header says of size and work
heif             HEIC and AVIF pictures
apart, decoder   decoding in a process of its own, within limits; that process
"""
