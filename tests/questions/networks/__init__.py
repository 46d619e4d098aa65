"""Tests of questions/networks."""
