"""The machine: systemd, sensors, clock, metrics."""
