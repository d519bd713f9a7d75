"""What a frame costs: our whole pipeline against the public chain, what the motion gate saves, and some parts alone."""
