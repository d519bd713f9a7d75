"""Hits, their search and their reviews."""
