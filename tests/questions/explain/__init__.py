"""Tests of questions/explain."""
