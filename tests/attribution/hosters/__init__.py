"""Tests of attribution/hosters."""
