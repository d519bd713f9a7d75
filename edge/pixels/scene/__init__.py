"""Whole scenes: where a picture has changed (`change`), what is left of the scene in it (`tamper`), and faults made on
purpose (`injected`)."""
