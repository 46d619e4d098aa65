"""Tests of shown."""
