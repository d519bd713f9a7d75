"""Operation of the appliance: releases, model packs on disk, systemd, sensors and metrics, effective settings, and
`edge doctor`.
"""
