"""Tests of measures/notices."""
