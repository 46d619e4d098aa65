"""Tests of questions/ranking."""
