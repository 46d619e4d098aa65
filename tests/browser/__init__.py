"""Tests: one sentence each; the pages in a real browser."""
