"""What a guard sees and does, in a real Chromium."""
