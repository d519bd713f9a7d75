"""Model packs: pull, use, probe and watch their files."""
