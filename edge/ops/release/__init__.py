"""Releases side by side: install, try, adopt, go back; signatures."""
