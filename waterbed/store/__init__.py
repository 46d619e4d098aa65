"""Stores facts: tables, vault, keys and the study folder."""
