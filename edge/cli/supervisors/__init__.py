"""Commands for supervisors: who is on the list, who may log in, what was done."""
