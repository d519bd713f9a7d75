"""What a frame costs: our whole pipeline against the public chain, and what the motion gate saves."""
