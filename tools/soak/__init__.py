"""Long runs: whether the service keeps up and stays level, and whether it keeps what it promises when it is killed.

level      frames/s, dropped frames and memory over minutes
kills      the rounds: what is killed, filled, stepped or damaged in each
storing    the half of the service that stores, as a program that is killed
ledger     what was delivered, and what is found afterwards
strangers  a scene with a stranger beside the person looked for, and a search for the stranger on the disk
"""
