"""Model packs on disk and the choice of provider and precision."""
