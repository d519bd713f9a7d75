"""The same pipeline over files: process clips, enhance pictures, explain and replay hits."""
