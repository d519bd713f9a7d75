"""A damaged database: found, mended where that is possible, else copied row by row into a new one.

damage       what is wrong, and the record of it
mending      finds damage and mends it in place, or has the database replaced
replacement  a new database of what can be read of the old one
salvage      reads what can be read
list_copy    the watchlist is kept twice: what one of them has lost is put back from the other
remake       makes up what other rows still tell
header       the first hundred bytes of the file are put right
schema       its texts are put right
first_pages  a copy of its pages is put back
loss_keeper  looks for losses, and remembers them
swap         the files: the new database takes the old one's place
room         disk space for that, while nothing can be written
former_data  copies of former data, and how much of the disk they may take
"""
