"""What keeps a box healthy: metrics, checks, and word to the service manager. Nothing here looks at pixels."""
