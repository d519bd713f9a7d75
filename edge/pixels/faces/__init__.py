"""Boxes and landmarks of faces.

geometry, boxes, pairing   alignment and letterboxing; overlap of boxes; pairing boxes
patches                    a face found again in the next frame
cover                      faces of strangers, painted over
haar                       OpenCV's face cascade
"""
