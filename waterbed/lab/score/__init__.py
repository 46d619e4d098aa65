"""Measured against true."""
