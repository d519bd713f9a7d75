"""Network cameras.

rtsp, refusals             RTSP, and why a camera refuses
mjpeg, http_camera, jpegs  motion JPEG over HTTP; logins and redirects; pictures in a stream of bytes
freshness, lag             which pictures are new, and how late and why they come
"""
