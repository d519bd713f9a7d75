"""A damaged database: found, mended where that is possible, else copied row by row into a new one."""
