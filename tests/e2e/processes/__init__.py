"""The service and the commands as processes, to the end."""
