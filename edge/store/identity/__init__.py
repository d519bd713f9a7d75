"""Who this device is, and on which machine it was made."""
