"""The HTML pages: one file is one page."""
