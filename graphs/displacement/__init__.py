"""Displacement: did an event remove content or move it."""
