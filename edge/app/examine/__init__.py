"""Examine an uploaded file in a process of its own."""
