"""Commands that measure, and that change models."""
