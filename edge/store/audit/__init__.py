"""The audit log and its hash chain.

log        all of it for the rest of the program (`store.audit_log`)
audit      its rows
chain      whether rows were changed, or are missing
tally      counts what happens too often to be listed
trim       the oldest rows go, and a signed row says which
spellings  a name in every spelling that the program writes
"""
