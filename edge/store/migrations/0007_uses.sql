-- When a login and a token were last used, and from where a login was made: for whoever decides which of them to end.
ALTER TABLE sessions ADD COLUMN last_used_at TEXT;
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE tokens ADD COLUMN last_used_at TEXT;
