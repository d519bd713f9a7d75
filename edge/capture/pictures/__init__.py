"""Pictures and folders of them.

images, stills   pictures and folders as sources; one still
heif             HEIC and AVIF pictures
"""
