"""Commands for installers."""
