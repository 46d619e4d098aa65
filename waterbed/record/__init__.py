"""Decisions of people about a study, on record."""
