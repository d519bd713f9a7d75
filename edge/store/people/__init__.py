"""The watchlist on disk: people, references, erasure, calibration.

watchlist    all of it for the rest of the store
people       rows of people and references, and the version of the list
changes      each one transaction
references   read without opening a store
calibration  limits measured for this list, references set aside
erasure      a person is erased
copies       from copies of the database, too
notes        from what guards wrote on hits of others
traces       what still names somebody
"""
