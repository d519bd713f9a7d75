"""Model packs: pull, adopt, use and probe them, and check that their files stay whole."""
