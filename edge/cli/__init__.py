"""The command line: arguments in, calls, printing. No logic lives here.

Each file has the name of its command or group of commands, in a folder for whom `edge --help` lists it; `root` joins
them, `common` holds what they share, `streams` makes their output usable.
"""

from edge.cli.root import main

__all__ = ["main"]
