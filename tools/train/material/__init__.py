"""What the networks learn from: cached faces and mixtures of them, pictures, faults, and the public teachers."""
