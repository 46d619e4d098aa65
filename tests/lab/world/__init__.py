"""Tests of lab/world."""
