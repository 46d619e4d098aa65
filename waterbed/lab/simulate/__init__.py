"""Thousands of studies without a network."""
