"""The feed: sequence, cursors, epochs.

feed         its items
pictures     of items that tell of a camera
cursor       everything after an item
epoch        one history of the database
epoch_file   shows that a database was replaced
consumers    how far each puller has come
"""
