"""Measures of what happens after notices: removal, deadlines, returns."""
