"""Citable packages that others reproduce."""
