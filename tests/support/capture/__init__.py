"""Cameras, streams and recordings, good and bad."""
