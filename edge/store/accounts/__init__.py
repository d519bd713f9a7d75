"""Users, tokens, passwords and logins.

accounts   all of it for the rest of the program (`store.accounts`)
users      their rows, logins and login links
passwords  checks, and locks after failed ones
tokens     of machines
last_use   when each login and token was last used
claim      the code that makes the first supervisor
"""
