"""Tests of questions/intervention."""
