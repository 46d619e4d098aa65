"""The world file, and what truly happens in it."""
