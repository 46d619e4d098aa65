"""Displacement: event files, what they make of a study, and the page."""
