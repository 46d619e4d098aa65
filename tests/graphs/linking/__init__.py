"""Tests of graphs/linking."""
