"""Measures who hosts reported abuse, how fast it goes, and where it goes next."""
