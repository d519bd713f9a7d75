"""The appliance's package. The flow is the architecture:

    camera -> capture -> detect -> track -> enhance -> recognise -> visit -> store -> serve -> guard, central server

`pipeline` wires the stages, `app.build` makes them, and no stage imports another.
"""

__version__ = "0.2.0"
