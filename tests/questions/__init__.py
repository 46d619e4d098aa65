"""Tests of the questions: one folder each."""
