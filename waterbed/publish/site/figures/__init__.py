"""Figures of the pages, as small SVG."""
