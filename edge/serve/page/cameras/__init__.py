"""The pages of one camera: what it saw when it lost its scene, and the zones that are drawn over its picture."""
