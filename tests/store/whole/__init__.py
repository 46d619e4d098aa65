"""Tests of what is whole, or named unfinished."""
