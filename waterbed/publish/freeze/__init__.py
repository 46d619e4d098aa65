"""Citable, reproducible packages."""
