"""Tests of crawler/recheck."""
