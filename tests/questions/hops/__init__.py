"""Tests of questions/hops."""
