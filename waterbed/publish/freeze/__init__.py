"""Citable packages from which others reproduce a study."""
