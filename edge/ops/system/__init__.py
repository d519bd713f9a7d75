"""The machine: systemd, sensors, clock, metrics.

systemd        its notify socket and watchdog
processor      which one it is
sensors        heat and throttling
clock          what the kernel knows of it
metrics        counters and gauges for Prometheus
camera_status  status.json: what the service measured at each camera
"""
