"""Which URLs carry the same content."""
