"""The appliance's package. The flow is the architecture:

    camera -> capture -> detect -> track -> enhance -> recognise -> visit -> store -> serve -> guard, central server

`pipeline` wires these stages, `app.build` makes them, and no stage imports another. Beside them:

app, cli                     what the appliance does; its commands
ops, evaluate                the machine underneath; measures on labelled data
watchlist, pixels, sessions  the people looked for; functions of arrays; models
config                       settings
records, arrays, errors      what travels between stages; shapes; every error
recipes, thresholds          what was done to a picture; limits of this device
glance, explanation          a quick look at a frame; why a hit is a hit
disclosure, credentials      what may be shown of an address; secrets handed over as files
names, mistakes, json_keys   names of files; what is wrong with a value, in words; JSON keys that are there twice
strict, hit_ids              models that take no unknown key; ids that sort by time
durable, state_file, heaps   files that outlast a power cut; small JSON files; memory
reach                        at which address the page is
"""

__version__ = "0.2.0"
