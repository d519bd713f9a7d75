"""Measure accuracy, restoration and speed."""
