"""Tests of questions/fact_sheet."""
