"""Data for machines: the feed, the watchlist, coverage, images, status."""
