"""What the web side bears: polls without news, a crowd of pullers or a video to examine beside the cameras, drips."""
