"""Tutorials, followed word for word in a fresh copy."""
