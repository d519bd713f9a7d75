"""The running service: build the parts, start and stop them, log, report its state; `start` leads up to it."""
