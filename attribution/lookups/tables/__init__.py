"""Dated address tables: read files, range arrays, look up."""
