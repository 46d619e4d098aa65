"""Tests of graphs/network."""
