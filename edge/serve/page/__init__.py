"""The page for people: one module or folder for each part; `wording` serves all of them, and the reports of `app`."""
