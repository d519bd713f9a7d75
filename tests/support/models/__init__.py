"""Small models, packs of them, and what runs a model elsewhere."""
