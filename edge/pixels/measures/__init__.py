"""Measures: `quality` of a face crop, `faults` and `noise` of a picture, `metrics` of two pictures compared."""
