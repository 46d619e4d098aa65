"""Tests of the specification curve."""
