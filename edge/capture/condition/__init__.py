"""Whether what a camera sends can be trusted.

freeze, stillness   whether pictures change
sight               whether they still show the scene
"""
