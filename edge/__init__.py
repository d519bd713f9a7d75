"""The appliance's package. The flow is the architecture:

    camera -> capture -> detect -> track -> enhance -> recognise -> visit -> store -> serve -> guard, central server

One file wires the stages (`pipeline`), one file builds them (`app`), and no stage imports another.
"""

__version__ = "0.2.0"
