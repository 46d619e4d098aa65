"""The hoster directory: companies and decided changes, by day."""
