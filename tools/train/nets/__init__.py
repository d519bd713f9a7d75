"""The networks that are trained, what they are judged by, and the run of a picture net's training."""
