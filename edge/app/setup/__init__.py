"""`edge setup`: one appliance from nothing in one go: camera tested, configuration written, first supervisor made.

plan      what is asked for, and the configuration file it comes to
address   the address of the page, as it is typed
camera    a short look at a camera before it is written down
"""
