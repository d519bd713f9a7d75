"""Measures: `quality` of a face crop, `faults` of a picture, `metrics` of two pictures against each other."""
