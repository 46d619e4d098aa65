"""Backups, and studies restored from them."""
