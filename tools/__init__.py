"""Developer tools; nothing in `edge` imports them."""
