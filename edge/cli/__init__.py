"""The command line: arguments in, calls, printing. No logic lives here; one file per group of commands."""

from edge.cli.root import main

__all__ = ["main"]
