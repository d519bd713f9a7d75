"""Seconds watched and blind, per camera."""
