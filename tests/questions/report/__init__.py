"""Tests of questions/report."""
