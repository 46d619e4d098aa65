"""Tests of analysis/explain."""
