"""Measured values against true ones."""
