"""Analyses of a study's conclusions, one question per file."""
