"""Whether what a camera sends can be trusted.

freeze, stillness             whether pictures change
recurrence, moments, courses  whether they come back: after seconds; bit by bit; as what moves
noise                         whether the sensor's noise came back with them
sight                         whether they still show the scene
"""
