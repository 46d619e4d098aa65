"""Tests of publish/freeze."""
