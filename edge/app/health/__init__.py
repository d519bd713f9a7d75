"""How the appliance is doing: coverage, conditions, checks and the enhancement budget.

monitor      looks once a second, and tells the feed
checks       measurements -> a state and a sentence
conditions   what is wrong now, one condition per subject
camera_news  a change of a camera's state becomes a feed item
evidence     pictures of a camera that lost its scene
lowering     what is given up while the box is hot or behind
budget       puts that in force
drift        whether faces change over weeks
accepted     what they were like at commissioning
"""
