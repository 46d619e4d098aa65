"""Dated address tables: read files, look addresses up."""
