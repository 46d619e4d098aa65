"""The study folder: database, vault, keys, runs, leases."""
