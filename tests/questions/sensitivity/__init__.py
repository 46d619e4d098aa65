"""Tests of questions/sensitivity."""
