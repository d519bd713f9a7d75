"""Model packs: pull, use and probe them, and check that their files stay whole."""
