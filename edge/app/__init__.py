"""The composition root: builds every part from the configuration and runs them.

build        the stages, with the models they need
service      the running service
setup        one appliance from nothing in one go
health       coverage, conditions, checks, and the enhancement budget
people       every change of the watchlist
packs        model packs: pull, use, adopt, probe
selfcheck    known answers and the sealed clip
offline      the same stages over files
examine      an uploaded file, in a process of its own
commission   the acceptance walk
survey       a short look at any source
evaluation   measures of accuracy, restoration and speed
demo         the service on a rendered clip
"""
