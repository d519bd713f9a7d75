"""What a central server needs to live with boxes: a puller to copy, a test to point at a box, a fleet to start from."""
