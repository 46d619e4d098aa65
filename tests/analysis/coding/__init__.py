"""Tests of analysis/coding."""
