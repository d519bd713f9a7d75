"""The watchlist on disk: people, references, erasure, calibration."""
