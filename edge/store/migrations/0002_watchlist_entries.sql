-- Why somebody is on the list and who answers for it.
ALTER TABLE people ADD COLUMN reason TEXT;
ALTER TABLE people ADD COLUMN owner TEXT;
