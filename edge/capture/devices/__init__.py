"""Cameras of this machine.

v4l2, picamera   USB and Raspberry Pi cameras
csi, gstreamer   Jetson cameras, through the system's GStreamer
access           why a device can't be opened
"""
