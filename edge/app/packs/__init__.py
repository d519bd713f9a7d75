"""Model packs: pull, use, adopt, probe and watch their files."""
