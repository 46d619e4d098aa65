"""Tests of attribution/lookups."""
