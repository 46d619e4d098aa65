"""Publishes a study: policy, tables, feeds, pages and packages."""
