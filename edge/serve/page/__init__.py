"""The page for people: one module for each part."""
