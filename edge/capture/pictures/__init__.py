"""Pictures and folders of them.

images, stills   pictures and folders as sources; one still
headers          what a header says of size and work
heif             HEIC and AVIF pictures
depth, exif      more than 8 bits as 8; which way is up
damage           JPEGs of which parts are lost
tiff             fields of TIFFs, and their alpha
apart, decoder   decoding in a process of its own, within limits; that process
"""
