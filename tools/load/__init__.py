"""What the web side bears: polls without news, a crowd of pullers beside the cameras, connections that drip."""
