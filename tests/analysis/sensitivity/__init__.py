"""Tests of analysis/sensitivity."""
