"""Releases side by side: install, try, adopt, go back; signatures.

releases     the installed ones, and the link to the one in use
gate         what a new one has to show
site         the machine: unit, user, commands
signing      keys and signatures
signed_page  a page that is signed in its last line
"""
