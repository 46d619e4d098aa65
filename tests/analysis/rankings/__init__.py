"""Tests of analysis/rankings."""
