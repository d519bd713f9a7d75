"""The feed: sequence, cursors, epochs."""
