"""The pages of stored hits: the list, one hit with its verdicts, and what is new while it is looked at."""
