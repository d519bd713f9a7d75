"""Users, tokens, passwords and logins."""
