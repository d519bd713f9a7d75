"""Pixels: pure functions and kernels on arrays. No files, clocks, threads, configuration or models here."""
