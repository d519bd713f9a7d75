"""The database file: connections, its one writing thread, and its table of facts.

connect      connections, the lock on the folder, what errors mean
alone        work that nobody else may disturb
writer       the one writing thread
jobs         what it is asked to do
turns        whose turn it is
slices       long jobs in slices, so that alerts wait for none
meta         facts about this database
gaps         unused bytes of its pages are overwritten
"""
