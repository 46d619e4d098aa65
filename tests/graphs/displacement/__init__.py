"""Tests of graphs/displacement."""
