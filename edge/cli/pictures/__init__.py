"""Commands that look into one picture or hit."""
