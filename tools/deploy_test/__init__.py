"""`make deploy-test`: the role on a folder and on a booted machine, from a blank box to an empty one.

report     what passed, failed and was skipped, with the reason
installer  the inventory and the plays, as an installer runs them
machine    a Debian folder, entered by chroot or booted by systemd-nspawn with a network that leads nowhere
later      another schema and another embedder for a later release
holdings   people, users, tokens and hits of a box, which stay whatever is updated
releases   signed archives of this checkout: as it is, a next one, and one that does not come up
steps      what is tried, in order
"""
